"""The parts of a gate that several machines verify, and how they become one run again.

Each machine answers one share of the questions of each implementation, so that the shares are about equally long, and
writes its verdicts whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import attnspec
from attnspec.errors import SpecError
from attnspec.faces.gate_settings import Gate
from attnspec.faces.verify_command import Run
from attnspec.verification.stored import from_stored, to_stored
from attnspec.verification.verdict import Verdict

FORM = 1
"""The version of the form of a part."""


@dataclass(frozen=True, slots=True)
class Share:
    """One of several shares.

    Attributes:
        number: which one, from 1.
        of: how many there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """The share of a text such as 2/5.

        Raises:
            SpecError: it is not of that form.
        """
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise SpecError("that is not a share", given=text, expected="I/N with 1 ≤ I ≤ N", mend="--shard 1/4")
        return cls(int(number), int(of))

    def first(self, job: int) -> int:
        """The first question of a job that belongs to this share; the shares take turns in which one begins."""
        return (self.number - 1 + job) % self.of

    def of_gate(self, gate: Gate) -> Gate:
        """A gate of which each job asks only the questions of this share."""
        jobs = [
            replace(job, options=replace(job.options, share=(self.first(place), self.of)))
            for place, job in enumerate(gate.jobs)
        ]
        return replace(gate, jobs=tuple(jobs))


@dataclass(frozen=True, slots=True)
class Answered:
    """What one share has of one job.

    Attributes:
        verdicts: the verdicts, in order.
        notes: what could not be imported or judged.
        refused: the error, as facts, if the target could not be judged at all.
    """

    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    refused: tuple[Mapping[str, str], ...] = ()


def write(path: str, share: Share, gate: Gate, answered: Sequence[Answered], failures: Sequence[str]) -> None:
    """Write the part of a share.

    Args:
        path: the file.
        share: the share.
        gate: the gate, with the jobs of all shares.
        answered: what there is of each job.
        failures: other reasons why the gate fails, as texts.

    Raises:
        SpecError: it cannot be written.
    """
    content = {
        "attnspec part": FORM,
        "share": [share.number, share.of],
        "gate": _identity(gate),
        "jobs": [_stored(each) for each in answered],
        "failures": list(failures),
    }
    try:
        Path(path).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot write a part: {error.strerror}", given=path) from error


def _stored(answered: Answered) -> dict[str, Any]:
    """What a share has of a job, as values of JSON."""
    return {
        "verdicts": [to_stored(verdict) for verdict in answered.verdicts],
        "notes": list(answered.notes),
        "refused": [dict(each) for each in answered.refused],
    }


def merged(paths: Sequence[str], gate: Gate) -> tuple[list[Answered], list[str]]:
    """What all parts have of each job, in the order in which one machine gives it; and other failures, as texts.

    Raises:
        SpecError: a part cannot be read, is of other settings or of another attnspec, or is missing or given twice.
    """
    parts: dict[int, list[Answered]] = {}
    of, failures = 0, list[str]()
    for path in paths:
        share, answered, failing = _read(path, gate)
        failures += failing
        if of not in (0, share.of):
            raise SpecError(f"{path} is of another division", given=f"one of {share.of}", expected=f"one of {of}")
        if share.number in parts:
            raise SpecError(f"part {share.number} of {share.of} is given twice", given=path)
        parts[share.number], of = answered, share.of
    missing = [f"{number}/{of}" for number in range(1, of + 1) if number not in parts]
    if missing:
        raise SpecError("parts are missing", given=", ".join(paths), expected=f"also {', '.join(missing)}")
    joined = []
    for job in range(len(gate.jobs)):
        order = sorted(parts, key=lambda number: Share(number, of).first(job))  # it is used at once
        joined.append(_joined([parts[number][job] for number in order]))
    return joined, failures


def take(run: Run, gate: Gate, answered: Iterable[Answered]) -> None:
    """Add what was verified elsewhere to a run."""
    for job, each in zip(gate.jobs, answered, strict=True):
        for verdict in each.verdicts:
            run.add(verdict)
        run.notes += each.notes
        run.refused += [(job.target, SpecError(**{"headline": "", **facts})) for facts in each.refused[:1]]


def _joined(shares: Sequence[Answered]) -> Answered:
    """The shares of one job, in the order of their first questions, one after the other in turn."""
    rounds = zip_longest(*(each.verdicts for each in shares))
    verdicts = [verdict for taken in rounds for verdict in taken if verdict is not None]
    notes = dict.fromkeys(note for each in shares for note in each.notes)
    return Answered(tuple(verdicts), tuple(notes), tuple(error for each in shares for error in each.refused))


def _read(path: str, gate: Gate) -> tuple[Share, list[Answered], list[str]]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["attnspec part"] != FORM:
            raise ValueError(f"form {content['attnspec part']}")
        identity, share, failures = content["gate"], Share(*content["share"]), list(content["failures"])
        answered = [
            Answered(tuple(map(from_stored, job["verdicts"])), tuple(job["notes"]), tuple(job["refused"]))
            for job in content["jobs"]
        ]
    except OSError as error:
        raise SpecError(f"cannot read a part: {error.strerror}", given=path) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        given = f"{type(error).__name__}: {error!s:.100}"
        raise SpecError(
            f"{path} is not a part", given=given, expected="what gate --shard I/N --part FILE wrote"
        ) from None
    if identity != _identity(gate) or len(answered) != len(gate.jobs):
        mend = "merge in the same checkout and with the same attnspec as the parts"
        raise SpecError(f"{path} is of other settings", given=str(identity), expected=str(_identity(gate)), mend=mend)
    return share, answered, failures


def _identity(gate: Gate) -> dict[str, str]:
    """What the parts of a run have in common."""
    settings = repr([(job.target, replace(job.options, share=None)) for job in gate.jobs])
    return {"attnspec": attnspec.__version__, "settings": hashlib.sha256(settings.encode()).hexdigest()[:16]}
