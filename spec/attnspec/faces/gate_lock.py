"""The lock file of a gate: a digest of each equation that it judges by, so that a change of one shows as such."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from attnspec.errors import SpecError
from attnspec.interpreters.formula.formula import text
from attnspec.language.equation import REGISTRY
from attnspec.language.procedure import PROCEDURES
from attnspec.language.traversal import callees
from attnspec.language.tree import Definition
from attnspec.verification.verdict import Verdict

NAME = "attnspec.lock"
HEAD = "# The equations that `attnspec gate` judges by. `attnspec gate --lock` writes this file; commit it.\n"


@dataclass(frozen=True, slots=True)
class Locked:
    """What an equation or procedure is.

    Attributes:
        id: its id.
        formula: its formula, or the body of a procedure.
        digest: a digest of it and of all that it calls.
    """

    id: str
    formula: str
    digest: str


def locked(id: str) -> Locked:
    """What an equation or procedure is now. Comments and the way it is written do not count."""
    if id in PROCEDURES:
        formula = PROCEDURES[id].code
        return Locked(id, formula, _digest([formula]))
    formulas = list(dict.fromkeys(_formulas(REGISTRY[id].definition)))
    return Locked(id, formulas[0], _digest(formulas))


def _formulas(definition: Definition) -> Iterator[str]:
    """The formula of an equation, then those of the equations that it calls."""
    yield text(replace(definition, lines=tuple(replace(line, comment="") for line in definition.lines)))
    for callee in callees(definition):
        yield from _formulas(callee)


def judged_by(verdicts: Iterable[Verdict], required: Iterable[str]) -> list[str]:
    """The ids of what verdicts are about, and of what is required, in alphabetical order."""
    ids = {id for verdict in verdicts for id in (verdict.equation, verdict.backward_of)}
    return sorted(id for id in {*ids, *required} if id in REGISTRY or id in PROCEDURES)


def write(path: Path, ids: Iterable[str]) -> None:
    """Write the lock file.

    Raises:
        SpecError: it cannot be written.
    """
    entries = [locked(id) for id in ids]
    texts = [
        f"[[equation]]\nid = \"{each.id}\"\ndigest = \"{each.digest}\"\nformula = '''\n{each.formula}'''\n"
        for each in entries
    ]
    try:
        path.write_text("\n".join([HEAD, *texts]), encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot write {path.name}: {error.strerror}", given=str(path)) from error


def check(path: Path) -> None:
    """Check that a lock file can be read, if there is one.

    Raises:
        SpecError: it cannot.
    """
    if path.exists():
        _read(path)


def changes(path: Path, ids: Iterable[str]) -> list[str]:
    """A text for each equation that is another one than in the lock file, or is not in it; empty without the file.

    Raises:
        SpecError: it cannot be read.
    """
    if not path.exists():
        return []
    before, found = _read(path), []
    for now in map(locked, ids):
        was = before.get(now.id)
        if was is None:
            found.append(f"unlocked: {now.id} is not in {path.name}\n  to mend   attnspec gate --lock")
        elif was.digest != now.digest:
            rows = [
                f"changed: {now.id} is another equation than in {path.name}",
                *_row("was", was.formula),
                *_row(
                    "is",
                    now.formula if now.formula != was.formula else "the same, and an equation that it calls differs",
                ),
                "  to mend   review the change, then attnspec gate --lock",
            ]
            found.append("\n".join(rows))
    return found


def _row(label: str, formula: str) -> list[str]:
    first, *others = formula.strip().splitlines()
    return [f"  {label:<9} {first}", *(f"            {line}" for line in others)]


def _read(path: Path) -> dict[str, Locked]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = [Locked(each["id"], each["formula"], each["digest"]) for each in content.get("equation", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpecError(
            f"{path} cannot be read",
            given=f"{type(error).__name__}: {error}",
            mend="attnspec gate --lock writes it anew",
        ) from error
    return {each.id: each for each in entries}


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
