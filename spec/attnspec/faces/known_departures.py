"""Known departures: verdicts other than "conforms" that are expected, each listed with a reason and a link.

A file of them is TOML, an entry to each:

    [[departure]]
    implementation = "my_kernels.attention:fast"
    dtype = "float64"
    verdict = "imprecise"
    reason = "its softmax is in float32, whatever it is given"
    link = "https://example.org/issues/1"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError, nearest
from attnspec.implementation import DTYPES
from attnspec.verification.verdict import Verdict, VerdictKind

LISTED = tuple(kind for kind in VerdictKind if kind is not VerdictKind.CONFORMS)
OPTIONAL = ("device", "equation")
NO_DTYPE = "none"
"""What is listed as the dtype of a verdict on a procedure."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One verdict that is expected.

    Attributes:
        implementation: as a verdict or `attnspec show` names it: pkg.module:callable or FILE.py:callable.
        verdict: what falls, one of `LISTED`.
        reason: why it is so, and is left so.
        link: where that can be read.
        device: on which device it falls; empty for any.
        equation: against which equation, where one implementation claims several; empty for any.
    """

    implementation: str
    dtype: str
    verdict: str
    reason: str
    link: str
    device: str = ""
    equation: str = ""

    def covers(self, verdict: Verdict) -> bool:
        """Whether a verdict is about what this entry is about."""
        return (
            _plain(self.implementation) == _plain(verdict.implementation)
            and self.dtype == (verdict.dtype or NO_DTYPE)
            and self.device in ("", verdict.device, verdict.device.split(":")[0])
            and self.equation in ("", verdict.equation)
        )

    def is_seen_in(self, verdict: Verdict) -> bool:
        """Whether a verdict is the one that this entry expects."""
        return self.covers(verdict) and verdict.verdict == self.verdict

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.dtype, self.device) if part)
        return f"{self.implementation} ({where})"


@dataclass(frozen=True, slots=True)
class Known:
    """The entries of a file."""

    path: str = ""
    departures: tuple[Departure, ...] = ()

    def of(self, verdict: Verdict) -> Departure | None:
        """The entry that expects a verdict."""
        return next((each for each in self.departures if each.is_seen_in(verdict)), None)

    def gone(self, verdicts: Iterable[Verdict]) -> tuple[tuple[Departure, str], ...]:
        """Entries that no longer occur although they were asked, each with the verdict that fell instead."""
        fallen = list(verdicts)
        found = []
        for each in self.departures:
            asked = [verdict for verdict in fallen if each.covers(verdict)]
            answered = [verdict.verdict for verdict in asked if verdict.verdict is not VerdictKind.NOT_RUN]
            if answered and not any(each.is_seen_in(verdict) for verdict in asked):
                found.append((each, answered[0]))
        return tuple(found)

    def json(self, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
        """The entries, each with what became of it: "seen", "gone" or "not asked"."""
        fallen = list(verdicts)
        gone = {each for each, _ in self.gone(fallen)}
        told = []
        for each in self.departures:
            seen = any(each.is_seen_in(verdict) for verdict in fallen)
            told.append({**asdict(each), "occurs": "seen" if seen else "gone" if each in gone else "not asked"})
        return told


def read(path: str) -> Known:
    """A file of known departures.

    Raises:
        SpecError: there is no such file, or it is not what it should be; which entry is wrong, and how to mend it.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"cannot read known departures: {error.strerror}", given=path) from error
    except ValueError as error:
        raise SpecError(f"{path} is no TOML", given=str(error), expected="tables [[departure]]") from error
    strange = [key for key in content if key != "departure"]
    entries = content.get("departure", [])
    if strange or not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        given = strange[0] if strange else f"departure = {entries!r:.80}"
        raise SpecError(f"{path} has something else than departures", given=given, expected="tables [[departure]]")
    departures: list[Departure] = []
    for number, entry in enumerate(entries, 1):
        departure = _departure(entry, f"{path}: departure {number}")
        if any(_same(departure, other) for other in departures):
            raise SpecError(f"{path}: departure {number} is listed twice", given=str(departure))
        departures.append(departure)
    return Known(path, tuple(departures))


def _departure(entry: Mapping[str, Any], which: str) -> Departure:
    names = [field.name for field in fields(Departure)]
    needed = [name for name in names if name not in OPTIONAL]
    for key, value in entry.items():
        if key not in names:
            mend = nearest(key, names)
            raise SpecError(f"{which} has an unknown key {key!r}", given=key, expected=", ".join(names), mend=mend)
        if not (isinstance(value, str) and value.strip()):
            raise SpecError(f"{which} says nothing in {key!r}", given=f"{key} = {value!r}", expected="a text")
    missing = [name for name in needed if name not in entry]
    if missing:
        raise SpecError(f"{which} has no {missing[0]}", given=", ".join(entry) or "nothing", expected=", ".join(needed))
    for key, known in (("verdict", LISTED), ("dtype", (*DTYPES, NO_DTYPE))):
        if entry[key] not in known:
            mend = nearest(entry[key], known)
            raise SpecError(
                f"{which}: no {key} {entry[key]!r} to list", given=entry[key], expected=", ".join(known), mend=mend
            )
    return Departure(**entry)


def _same(one: Departure, other: Departure) -> bool:
    """Whether two entries are about the same; one that names no device or equation is about all of them."""
    return (
        (_plain(one.implementation), one.dtype) == (_plain(other.implementation), other.dtype)
        and (one.device == other.device or "" in (one.device, other.device))
        and (one.equation == other.equation or "" in (one.equation, other.equation))
    )


def _plain(implementation: str) -> str:
    """However a target was named, its callable has one name: pkg:module.f is pkg.module:f, ./f.py:f is f.py:f."""
    place, _, name = implementation.rpartition(":")
    if place.endswith(".py") or "/" in place:
        return f"{os.path.abspath(place)}:{name}"
    return implementation.replace(":", ".")
