"""The numbers that are written in a candidate's code: where it may change its ways."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator
from itertools import islice
from types import CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

MOST = 64
"""Convention: how many numbers of a candidate are kept; code that computes has fewer."""

LARGEST = 2.0**53
"""Larger numbers are no sizes, and of an option neither; an infinity is none."""

READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_METHOD", "LOAD_DEREF")
"""Instructions by which code reads a name of its module or class."""


def written_numbers(function: Callable[..., Any], owner: object = None) -> tuple[float, ...]:
    """Return the finite numbers in the code of a function, its defaults, and what they read of their module, in order.

    Args:
        owner: the object that has the function as a method, if there is one.
    """
    home = str(getattr(function, "__module__", ""))
    found = dict.fromkeys(float(number) for number in _of((function, owner), home, set()) if abs(number) < LARGEST)
    return tuple(found)[:MOST]


def _of(value: object, home: str, seen: set[int]) -> Iterator[float]:
    """Yield the numbers of a value: its own, those of a container, of functions, classes and objects of `home`."""
    if isinstance(value, (int, float)):
        if not isinstance(value, bool):
            yield value
        return
    if isinstance(value, ModuleType) or id(value) in seen:
        return
    if not isinstance(value, tuple):  # some are made here, and the next one may have the same id
        seen.add(id(value))
    if isinstance(value, (tuple, list, frozenset, set, dict)):
        for item in islice(value.values() if isinstance(value, dict) else value, MOST):
            yield from _of(item, home, seen)
    elif isinstance(value, np.ndarray):
        yield from _of(value.ravel().tolist() if value.size <= MOST else (), home, seen)
    elif isinstance(value, CodeType):
        yield from _of_code(value, home, seen, {})
    elif isinstance(value, FunctionType) and value.__module__ == home:
        yield from _of_code(value.__code__, home, seen, value.__globals__, _closed_over(value))
        yield from _of((value.__defaults__ or (), tuple((value.__kwdefaults__ or {}).values())), home, seen)
    elif isinstance(value, type) and value.__module__ == home:
        for member in vars(value).values():
            yield from _of(_function_of(member), home, seen)
    elif type(value).__module__ == home or isinstance(value, SimpleNamespace):
        slots = (getattr(value, name, None) for name in getattr(type(value), "__slots__", ()))
        yield from _of((type(value), getattr(value, "__dict__", {}), tuple(slots)), home, seen)
    elif callable(_function_of(value)) and _function_of(value) is not value:
        yield from _of(_function_of(value), home, seen)
        yield from _of((*_tuned(value),), home, seen)


def _function_of(member: object, depth: int = 3) -> object:
    """The function behind a method, decorators or a compiled kernel; the member itself if there is none."""
    for name in ("__wrapped__", "__func__", "func", "fn", "fget"):
        inner = inspect.getattr_static(member, name, None)
        if isinstance(inner, FunctionType):
            return inner
        if inner is not None and depth and isinstance(found := _function_of(inner, depth - 1), FunctionType):
            return found
    return member


def _tuned(member: object) -> Iterator[object]:
    """The values of the configurations that an autotuned kernel of Triton chooses from."""
    configs = inspect.getattr_static(member, "configs", None)
    for config in configs if isinstance(configs, (list, tuple)) else ():
        values = inspect.getattr_static(config, "kwargs", None)
        yield from values.values() if isinstance(values, dict) else ()


def _of_code(
    code: CodeType, home: str, seen: set[int], names: dict[str, Any], closed_over: dict[str, Any] | None = None
) -> Iterator[float]:
    """Yield the numbers of a code object, and of what it reads by name."""
    known = {**names, **(closed_over or {})}
    for instruction in dis.get_instructions(code):
        if instruction.opname in READS:
            if instruction.argval in known:
                yield from _of(known[instruction.argval], home, seen)
        elif isinstance(instruction.argval, CodeType):
            yield from _of_code(instruction.argval, home, seen, known)
        elif "CONST" in instruction.opname or instruction.opname == "LOAD_SMALL_INT":
            yield from _of(instruction.argval, home, seen)


def _closed_over(function: FunctionType) -> dict[str, Any]:
    """The variables of enclosing functions that a function reads."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found
