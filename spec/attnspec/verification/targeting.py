"""Targets as callers write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attnspec.errors import TargetError
from attnspec.verification.sandbox.targets import CALLED_FROM_PYTHON, File, Module, Pickled, Target


def parse_target(target: Callable[..., Any] | str | Target) -> tuple[str, Target]:
    """The display name of a target, and the target in parsed form.

    Raises:
        TargetError: it is neither a callable nor the name of one.
    """
    if isinstance(target, File | Module | Pickled):
        return str(target), target
    if isinstance(target, str):
        place, _, name = target.partition(":") if target[1:3] != ":\\" else (target, "", "")
        if place.endswith((".py", *CALLED_FROM_PYTHON)) or "/" in place:
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
