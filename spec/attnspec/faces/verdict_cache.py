"""Verdicts of earlier runs, kept while nothing that they depend on changes.

A verdict depends on the source of its candidate and of the definitions of its equation, on the options, and on the
environment: attnspec itself, installed packages, the interpreter and the machine. An entry has the verdicts of one
target under one set of options, in a file that is named after a digest of all of these. Each line of it is a verdict on
one question, which is appended during the run, so that a run that is ended loses little; or the number of questions,
once all of them are answered.

The folder is the user's, outside the repository, so that a change cannot bring entries of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from attnspec.language.registry import ADDITIONS, GROUP, families, family_of
from attnspec.verification.candidate.sources import Sources, sources_of
from attnspec.verification.cases.recordings import as_tuple
from attnspec.verification.environment import environment_digest
from attnspec.verification.options import VerifyOptions
from attnspec.verification.stored import from_stored, to_stored
from attnspec.verification.targeting import parse_target
from attnspec.verification.verdict import Report, Verdict, VerdictKind

FORMAT = 2
"""The version of the form of entries."""

KEPT = frozenset({VerdictKind.CONFORMS, VerdictKind.DIFFERS, VerdictKind.IMPRECISE, VerdictKind.INCONCLUSIVE})
"""The verdicts that depend on nothing else. "fails", "misbehaves" and "not run" may be of the moment, such as a time
limit on a busy machine, and are computed again."""

WRITE_S = 10.0
"""The time between two writes of verdicts on one target, in seconds. Before each, its source is read again."""

DAYS = 30
"""Days after which an entry that was not used is deleted."""


def cache_folder() -> Path:
    """The folder of the cache: ATTNSPEC_CACHE, or attnspec in XDG_CACHE_HOME or ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ATTNSPEC_CACHE") or Path(home) / "attnspec")


@dataclass
class VerdictCache:
    """The cache in a folder.

    Attributes:
        folder: the folder; it is made with the first entry.
        definitions: files and modules that define equations of the project.
        not_kept: why verdicts on targets are not cached, each with the reason.
    """

    folder: Path
    definitions: Sequence[str] = ()
    not_kept: dict[str, str] = field(default_factory=dict)

    def of(self, target: str, options: VerifyOptions) -> CachedVerdicts:
        """What is kept of a target, and where the rest is kept."""
        sources = self._sources(target, options)
        entry = self._entry(target, options, sources)
        earlier, count = ({}, None) if sources.unknown else _read(entry)
        return CachedVerdicts(self, target, options, entry, earlier, count)

    def keep(self, target: str, options: VerifyOptions, entry: Path, lines: Sequence[Mapping[str, Any]]) -> None:
        """Append lines to an entry, if everything that its verdicts depend on is known and as it was."""
        sources = self._sources(target, options)
        changed = "" if entry == self._entry(target, options, sources) else "it changed while it was verified"
        why = sources.unknown or changed or _foreign([each["id"] for each in lines if "id" in each], sources)
        try:
            if lines and not why:
                self.folder.mkdir(parents=True, exist_ok=True)
                text = "".join(f"\n{json.dumps(each)}\n" for each in lines)  # after a line that was cut off, too
                with entry.open("ab", buffering=0) as file:
                    file.write(text.encode())
        except OSError as error:
            why = f"the cache cannot be written: {error.strerror}: {self.folder}; see --no-cache and ATTNSPEC_CACHE"
        if why:
            self.not_kept[target] = why

    def prune(self) -> None:
        """Delete entries that were not used for `DAYS` days."""
        oldest = time.time() - DAYS * 86_400
        for entry in self.folder.glob("*.json*"):
            with suppress(OSError):  # another run may have deleted it, or it may not be deleted
                if entry.stat().st_mtime < oldest:
                    entry.unlink()

    def _sources(self, target: str, options: VerifyOptions) -> Sources:
        """The source of a target and of what defines its equation."""
        family = family_of(options.equation or "").removeprefix("attnspec.")
        own = [family] if family and family not in families() and family in sys.modules else []
        places = [*self.definitions, *options.equations, *self._additions, *own]
        sources = sources_of(parse_target(target)[1], places)
        if any(not isinstance(each, str | os.PathLike) for each in as_tuple(options.inputs)):
            sources.unknown = sources.unknown or "its cases are arrays, not files"
        return sources

    @cached_property
    def _additions(self) -> list[str]:
        """The modules in which installed packages define equations, properties and mistakes."""
        return sorted({point.module for group in (GROUP, *ADDITIONS) for point in entry_points(group=group)})

    def _entry(self, target: str, options: VerifyOptions, sources: Sources) -> Path:
        facts = (FORMAT, environment_digest(), target, repr(options), _inputs(options), sources.digest)
        return self.folder / f"{hashlib.sha256(repr(facts).encode()).hexdigest()}.jsonl"


@dataclass
class CachedVerdicts:
    """The verdicts on one target in the cache: a `Record` of a run.

    Attributes:
        cache: the cache.
        target, options: the target and its options.
        entry: the file.
        earlier: {number of a question: its verdict}, of earlier runs.
        count: how many questions there are; None if they were not all answered.
    """

    cache: VerdictCache
    target: str
    options: VerifyOptions
    entry: Path
    earlier: Mapping[int, Verdict]
    count: int | None
    _lines: list[dict[str, Any]] = field(default_factory=list)
    _new: set[int] = field(default_factory=set)
    _written: float = field(default_factory=time.monotonic)

    @property
    def report(self) -> Report | None:
        """The report of earlier runs; None if a verdict is missing."""
        if not self.count or not all(number in self.earlier for number in range(self.count)):
            return None
        with suppress(OSError):  # it may be another user's, or on a file system that is only read
            os.utime(self.entry)
        return Report(tuple(self.earlier[number] for number in range(self.count)))

    def keep(self, question: int, verdict: Verdict) -> None:
        """Keep a verdict, unless it may be of the moment."""
        if verdict.verdict not in KEPT or question in self._new or question in self.earlier:
            return
        self._new.add(question)
        ids = [each for each in (verdict.equation, verdict.backward_of) if each]
        day = date.today().isoformat()
        self._lines.append({"question": question, "id": ids, "day": day, "verdict": to_stored(verdict)})
        if time.monotonic() - self._written > WRITE_S:
            self.write()

    def finish(self, report: Report) -> None:
        """Keep the verdicts of a whole report, which are in the order of the questions if there is nothing else."""
        others = sorted({str(verdict.verdict) for verdict in report.verdicts if verdict.verdict not in KEPT})
        if not others and report.verdicts:
            for number, verdict in enumerate(report.verdicts):
                self.keep(number, verdict)
            self._lines.append({"count": len(report.verdicts)})
        self.write()
        momentary = f'"{others[0]}" may be of the moment' if others else ""
        empty = "" if report.verdicts else "there is no verdict"
        why = self.cache.not_kept.get(self.target) or momentary or empty
        if why:
            self.cache.not_kept[self.target] = why

    def write(self) -> None:
        """Write what is not written yet."""
        self.cache.keep(self.target, self.options, self.entry, self._lines)
        self._lines, self._written = [], time.monotonic()


def _read(entry: Path) -> tuple[dict[int, Verdict], int | None]:
    """The verdicts of an entry, each with its day, and how many there are if that is known; without damaged lines."""
    found: dict[int, Verdict] = {}
    count = None
    try:
        lines = entry.read_bytes().splitlines()
    except OSError:
        return {}, None
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            stored = json.loads(line)
            if "count" in stored:
                count = int(stored["count"])
            else:
                found[int(stored["question"])] = replace(from_stored(stored["verdict"]), cached=str(stored["day"]))
    return found, count


def _foreign(ids: Sequence[Sequence[str]], sources: Sources) -> str:
    """Why the source of an equation is not known before it is asked for; "" if it is."""
    for id in {id for each in ids for id in each}:
        file: Any = getattr(sys.modules.get(family_of(id)), "__file__", None)
        if family_of(id) not in families() and os.path.abspath(file or "") not in sources.files:
            return f"the file that defines {id} is not known beforehand; name the equation"
    return ""


def _inputs(options: VerifyOptions) -> list[str]:
    """A digest of each file of recorded cases, and of each source in another language."""
    named = [*as_tuple(options.inputs), *options.sources]
    files = [Path(each) for each in named if isinstance(each, str | os.PathLike)]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]
