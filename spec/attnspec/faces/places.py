"""Where a verdict is shown in the source: the file of its candidate, and a line of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from attnspec.pages.code_views import definition_of, source_of
from attnspec.verification.candidate.sources import sources_of
from attnspec.verification.sandbox.targets import Target
from attnspec.verification.targeting import parse_target
from attnspec.verification.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file.

    Attributes:
        file: the file, from the root of the repository, with "/".
        line: the line, from 1.
    """

    file: str
    line: int


def place_of(verdict: Verdict) -> Place | None:
    """The line at which a candidate departs, where the diagnosis knows it; else the line that defines it.

    None if its file is not found, or is not in the repository.
    """
    _, target = parse_target(verdict.implementation)
    own = source_of(target)
    if own is None:
        return None
    departure = verdict.diagnosis[0].departure if verdict.diagnosis else None
    for _, where in departure.wrong if departure is not None else ():
        name, _, line = where.rpartition(":")
        file = _named(name, own, target)
        if file is not None and line.isdigit() and (found := _in_repository(file)):
            return Place(found, int(line))
    found = _in_repository(own)
    return Place(found, _defined_at(own, getattr(target, "callable", None))) if found else None


def _named(name: str, own: Path, target: Target) -> Path | None:
    """The file of a name: that of the candidate, or the only one of this name that it imports."""
    if Path(name).name == own.name:
        return own
    others = [Path(file) for file in sources_of(target).files if Path(file).name == Path(name).name]
    return others[0] if len(others) == 1 else None


def _defined_at(file: Path, name: str | None) -> int:
    """The line at which a callable is defined; 1 if it is not found."""
    try:
        definition = definition_of(ast.parse(file.read_text(encoding="utf-8")), name or "")
    except (OSError, ValueError, SyntaxError):
        return 1
    return definition.lineno if definition is not None else 1


def _in_repository(file: Path) -> str:
    """The path of a file from the root of the repository; "" if it is elsewhere."""
    root, file = repository(Path.cwd()), file.resolve()
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else ""


@cache
def repository(folder: Path) -> Path:
    """The nearest folder with a repository of git; the folder itself if there is none."""
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
