"""Parts of a case: some of its examples, or a part of an axis whose places do not depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.interpreters.evaluation.call import outputs
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition, Parameter
from attnspec.thresholds import EQUIVALENT
from attnspec.verification.cases.case import Case

Array = NDArray[Any]
Places = slice | NDArray[np.intp]


def examples(case: Case, equation: Equation[..., Any], part: Places) -> Case:
    """Some examples of a case, along its last batch axis. Weights stay whole."""
    arrays = {each.name: part_of(case.arrays[each.name], part, len(each.dims)) for each in _parameters(equation, case)}
    return replace(case, arrays=arrays, description=None)


def along(case: Case, equation: Equation[..., Any], name: str, part: Places) -> Case:
    """A part of the axis of a size, along all arguments that have it."""
    arrays = dict(case.arrays)
    for parameter in _parameters(equation, case):
        axes = [*map(str, parameter.dims)]
        for place in (k for k, axis in enumerate(axes) if axis == name):
            arrays[parameter.name] = part_of(arrays[parameter.name], part, len(axes) - 1 - place)
    return replace(case, arrays=arrays, description=None)


def part_of(array: Array, part: Places, behind: int) -> Array:
    """A part of an array along the axis that has so many axes behind it; the array itself if it has no such axis."""
    if array.ndim <= behind:
        return array
    index: tuple[Any, ...] = (..., part, *(slice(None),) * behind)
    return np.ascontiguousarray(array[index])


def axis_of(definition: Definition, place: int, name: str) -> int | None:
    """How many axes of an output are behind that of a size; None if it has none."""
    axes = [*map(str, definition.results[place].dims)]
    return len(axes) - 1 - axes.index(name) if name in axes else None


@np.errstate(all="ignore")
def is_independent(case: Case, equation: Equation[..., Any], name: str, parts: Sequence[Places]) -> bool:
    """Whether parts of an axis have the values that they have within the whole, on this case of the equation.

    So it is with the queries of attention, and not with its keys nor with the steps of a recurrence. An axis that only
    weights have is none.
    """
    definition = equation.definition
    own = [each for each in _parameters(equation, case) if not each.symbol.weight]
    behind = [axis_of(definition, place, name) for place in range(len(definition.results))]
    if not any(name in map(str, each.dims) for each in own) or None in behind:
        return False
    whole = outputs(definition, case.arguments)
    for part in parts:
        try:
            alone = outputs(definition, along(case, equation, name, part).arguments)
        except SpecError:  # of sizes that depend on each other
            return False
        within = [part_of(value, part, axis or 0) for value, axis in zip(whole, behind, strict=True)]
        if not all(map(_alike, alone, within)):
            return False
    return True


def _alike(one: Array, other: Array) -> bool:
    scale = float(np.abs(other).max(initial=0.0))
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=EQUIVALENT * (scale or 1.0))


def _parameters(equation: Equation[..., Any], case: Case) -> tuple[Parameter, ...]:
    return layers.written_out(equation.definition, case.arrays).parameters
