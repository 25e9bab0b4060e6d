"""Verdicts of earlier runs, kept while nothing that they depend on changes.

A verdict depends on the source of its candidate and of the definitions of its equation, on the options, and on the
environment: attnspec itself, installed packages, the interpreter and the machine. An entry has the verdicts of one
target under one set of options, in a file that is named after a digest of all of these.

The folder is the user's, outside the repository, so that a change cannot bring entries of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError
from attnspec.language.registry import ADDITIONS, GROUP, families, family_of
from attnspec.verification.candidate.sources import Sources, sources_of
from attnspec.verification.cases.recordings import as_tuple
from attnspec.verification.environment import environment_digest
from attnspec.verification.options import VerifyOptions
from attnspec.verification.stored import from_stored, to_stored
from attnspec.verification.targeting import parse_target
from attnspec.verification.verdict import Report, VerdictKind

FORMAT = 1
"""The version of the form of entries."""

KEPT = frozenset({VerdictKind.CONFORMS, VerdictKind.DIFFERS, VerdictKind.IMPRECISE, VerdictKind.INCONCLUSIVE})
"""The verdicts that depend on nothing else. "fails", "misbehaves" and "not run" may be of the moment, such as a time
limit on a busy machine, and are computed again."""

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
        not_kept: why targets are not cached, each with the reason.
        looked_up: {entry that was looked up and is not there}.
    """

    folder: Path
    definitions: Sequence[str] = ()
    not_kept: dict[str, str] = field(default_factory=dict)
    looked_up: set[Path] = field(default_factory=set)

    def find(self, target: str, options: VerifyOptions) -> Report | None:
        """The report of an earlier run, if nothing has changed that it depends on; else None."""
        sources = self._sources(target, options)
        entry = self._entry(target, options, sources)
        self.looked_up.add(entry)
        if sources.unknown:
            return None
        try:
            stored = json.loads(entry.read_text(encoding="utf-8"))
            verdicts = [replace(from_stored(each), cached=stored["day"]) for each in stored["verdicts"]]
            report = Report(tuple(verdicts), tuple(map(str, stored["notes"])))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # there is none, or it was cut off
        if not report.verdicts:
            return None
        with suppress(OSError):  # it may be another user's, or on a file system that is only read
            os.utime(entry)
        return report

    def keep(self, target: str, options: VerifyOptions, report: Report) -> None:
        """Keep a report that was computed after `find` was called, if everything that it depends on is known."""
        sources = self._sources(target, options)
        entry = self._entry(target, options, sources)
        changed = "" if entry in self.looked_up else "it changed while it was verified"
        why = sources.unknown or changed or _momentary(report) or _foreign(report, sources)
        if why:
            self.not_kept[target] = why
            return
        day = date.today().isoformat()
        content = {"day": day, "notes": list(report.notes), "verdicts": [to_stored(each) for each in report.verdicts]}
        self._write(entry, json.dumps(content))

    def prune(self) -> None:
        """Delete entries that were not used for `DAYS` days."""
        oldest = time.time() - DAYS * 86_400
        for entry in self.folder.glob("*.json"):
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
        return self.folder / f"{hashlib.sha256(repr(facts).encode()).hexdigest()}.json"

    def _write(self, entry: Path, text: str) -> None:
        """Write to a temporary file and rename it, so that a reader sees a whole entry or none.

        Raises:
            SpecError: the folder cannot be written.
        """
        temporary = entry.with_name(f".{entry.name}.{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(entry)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise SpecError(
                f"the cache cannot be written: {error.strerror}",
                given=str(self.folder),
                mend="--no-cache, or ATTNSPEC_CACHE=FOLDER",
            ) from error


def _momentary(report: Report) -> str:
    """Why the verdicts may be of the moment; "" if they are not."""
    kinds = sorted({str(verdict.verdict) for verdict in report.verdicts if verdict.verdict not in KEPT})
    if not report.verdicts:
        return "there is no verdict"
    return f'"{kinds[0]}" may be of the moment' if kinds else ""


def _foreign(report: Report, sources: Sources) -> str:
    """Why the source of an equation is not known before it is asked for; "" if it is."""
    for verdict in report.verdicts:
        for id in filter(None, (verdict.equation, verdict.backward_of)):
            file: Any = getattr(sys.modules.get(family_of(id)), "__file__", None)
            if family_of(id) not in families() and os.path.abspath(file or "") not in sources.files:
                return f"the file that defines {id} is not known beforehand; name the equation"
    return ""


def _inputs(options: VerifyOptions) -> list[str]:
    """A digest of each file of recorded cases, and of each source in another language."""
    named = [*as_tuple(options.inputs), *options.sources]
    files = [Path(each) for each in named if isinstance(each, str | os.PathLike)]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]
