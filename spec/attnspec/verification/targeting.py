"""Targets as callers write them, and the equations that they define."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attnspec.errors import TargetError
from attnspec.language import definitions
from attnspec.language.procedure import is_specified
from attnspec.language.registry import family_of
from attnspec.verification.sandbox.targets import CALLED_FROM_PYTHON, PROGRAMS, Command, File, Module, Pickled, Target


def parse_target(target: Callable[..., Any] | str | Target) -> tuple[str, Target]:
    """The display name of a target, and the target in parsed form.

    Raises:
        TargetError: it is neither a callable nor the name of one.
    """
    if isinstance(target, File | Module | Pickled | Command):
        return str(target), target
    if isinstance(target, str) and target.startswith("command:"):
        return target, _command(target)
    if isinstance(target, str):
        place, _, name = target.partition(":") if target[1:3] != ":\\" else (target, "", "")
        if not place or (":" in target and not name):
            expected = "FILE.py, FILE.py:callable, pkg.module or pkg.module:callable"
            raise TargetError(f"{target!r} names no callable", given=target or "an empty name", expected=expected)
        if definitions.is_file(place) or place.endswith((*CALLED_FROM_PYTHON, *PROGRAMS)):
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


def _command(target: str) -> Command:
    """The command of "command:./kernel --flag".

    Raises:
        TargetError: there is none, or its quotes do not match.
    """
    try:
        words = shlex.split(target.removeprefix("command:"))
    except ValueError as error:
        raise TargetError(f"{target!r} is not a command", given=str(error), expected="command:./kernel") from error
    if not words:
        raise TargetError("command: names no program", given=target, expected="command:./kernel")
    return Command(tuple(words))


def load_own_equations(target: Target, ids: Sequence[str]) -> None:
    """Import what defines equations, if none of these ids is known: the modules of the ids, else the target.

    A target that also claims an equation of the catalogue brings none, since its code would run in the process that
    judges it.

    Raises:
        TargetError: the file does not exist, or an import fails.
        SpecError: something that is defined is refused.
    """
    if not ids or any(map(is_specified, ids)) or isinstance(target, Pickled | Command):
        return
    if isinstance(target, File):
        target.require()
    folder = Path(target.path).absolute().parent if isinstance(target, File) else Path.cwd()
    definitions.load(family for family in dict.fromkeys(map(family_of, ids)) if definitions.is_module(family, folder))
    if all(map(is_specified, ids)):
        return
    if isinstance(target, File) and target.is_program:
        return
    if isinstance(target, File):
        definitions.load([str(Path(target.path).absolute())])
    elif definitions.is_module(target.name, folder):
        definitions.load([target.name])
