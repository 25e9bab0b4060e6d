"""Targets as callers write them, and the equations that they define."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attnspec.errors import TargetError
from attnspec.language import definitions
from attnspec.language.procedure import is_specified
from attnspec.language.registry import family_of
from attnspec.verification.sandbox.targets import File, Module, Pickled, Target


def parse_target(target: Callable[..., Any] | str | Target) -> tuple[str, Target]:
    """The display name of a target, and the target in parsed form.

    Raises:
        TargetError: it is neither a callable nor the name of one.
    """
    if isinstance(target, File | Module | Pickled):
        return str(target), target
    if isinstance(target, str):
        place, _, name = target.partition(":") if target[1:3] != ":\\" else (target, "", "")
        if place.endswith(".py") or "/" in place:
            return target, File(place, name or None)
        return target, Module(place, name or None)
    if callable(target):
        return getattr(target, "__qualname__", type(target).__qualname__), Pickled.of(target)
    raise TargetError(
        "nothing to verify",
        given=f"{type(target).__name__}",
        expected="a callable, or FILE.py[:callable]",
        mend="pass the function itself",
    )


def load_own_equations(target: Target, ids: Sequence[str]) -> None:
    """Import a target for the equations that it defines, if all these ids are of equations that are not known.

    A target that also claims an equation of the catalogue is not imported: its code would run in the process that
    judges it.

    Raises:
        TargetError: importing it fails.
        SpecError: it defines something that is refused.
    """
    unknown = [id for id in ids if not is_specified(id)]
    if not unknown or len(unknown) < len(ids):
        return
    match target:
        case File(path=path):
            definitions.load_file(Path(path))
        case Module(name=name):
            package = name.partition(".")[0]
            definitions.load([name, *dict.fromkeys(family_of(id) for id in unknown if id.startswith(f"{package}."))])
