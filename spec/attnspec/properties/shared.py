"""What properties are put together from: changes of arguments that every format holds exactly, and shared relations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from typing import Any

import numpy as np

from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, AtMost, Function, Relation, property_of

Shared = Callable[[Equation[..., Any], Function, Arguments], Iterator[Relation]]

OPEN, SHUT = 36.0, -1000.0
"""Biases at which a gate is 1 and 0 in every format.

0 is meant exactly; 1 is not, since h̃ + z (h − h̃) is an honest way to keep h and rounds where z h + (1 − z) h̃ does not:
at 36 a gate is 1 − 2⁻⁵², which the noise does not take for exact.
"""


def of_each(kills: Mapping[Equation[..., Any], tuple[str, ...]], **needs: Any) -> Callable[[Shared], Shared]:
    """A property that several equations have; it is told of which it speaks.

    Args:
        kills: the equations, each with the ids of its mutants that the property catches.
        **needs: those of `holds`.
    """

    def build(relations: Shared) -> Shared:
        for equation, killed in kills.items():
            own = wraps(relations)(partial(relations, equation))
            property_of(equation, kills=killed, **needs)(own)
        return relations

    return build


def negated(a: Arguments, *names: str) -> dict[str, Any]:
    """Some arguments with the opposite sign."""
    return {**a, **{name: -a[name] for name in names}}


def without(a: Arguments, *names: str) -> dict[str, Any]:
    """Some arguments at 0."""
    return {**a, **{name: np.zeros_like(a[name]) for name in names}}


def held(a: Arguments, **levels: float) -> dict[str, Any]:
    """Gates held at a level whatever they read: no weights, only a bias."""
    changed = without(a, *(f"{kind}{gate}" for gate in levels for kind in ("W_x", "W_h")))
    return changed | {f"b_{gate}": np.full_like(a[f"b_{gate}"], level) for gate, level in levels.items()}


def taking(a: Arguments, **gates: str) -> dict[str, Any]:
    """Gates with the weights of other gates."""
    kinds = ("W_x", "W_h", "b_")
    return {**a, **{f"{kind}{gate}": a[f"{kind}{other}"] for gate, other in gates.items() for kind in kinds}}


def rolled(of: Equation[..., Any], a: Arguments, *sizes: str) -> dict[str, Any]:
    """Every array permuted along the axes that have one of these sizes."""
    moved = dict(a)
    for parameter in of.definition.parameters:
        for axis, dim in enumerate(parameter.dims):
            if str(dim) in sizes:
                moved[parameter.name] = np.roll(moved[parameter.name], 1, axis=axis)
    return moved


def within(values: Any, bound: Any) -> Iterator[Relation]:
    """No value is larger than the bound, whatever its sign."""
    yield AtMost(values, bound)
    yield AtMost(-values, bound)


def between(values: Any, rows: Any) -> Iterator[Relation]:
    """Every row of values lies between the least and the largest of some rows, column by column."""
    yield AtMost(values, rows.max(axis=0))
    yield AtMost(rows.min(axis=0), values)


def several(output: Any) -> tuple[Any, ...]:
    """One output, or a tuple of them, as a tuple."""
    return output if isinstance(output, tuple) else (output,)


def value(of: Equation[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What the specification gives, as an array."""
    return of(*args, **kwargs)
