"""Generic directions of error, for mistakes that are not among the mutants, such as a wrong scale of one argument."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.language.tree import Definition
from attnspec.thresholds import LEFT_OUT, SCALE_STEP
from attnspec.verification.cases.case import Case
from attnspec.verification.judge.kept_values import Outputs
from attnspec.verification.judge.mutant_values import at_once
from attnspec.verification.judge.other_inputs import values_of_others
from attnspec.verification.judge.residuals import Compared

Array = NDArray[Any]

TILES = (16, 32, 64, 128)
"""Sizes of the tiles into which kernels divide an axis; the last tile of an axis may be smaller."""


@dataclass(frozen=True, slots=True)
class ErrorDirection:
    """One direction of error.

    Attributes:
        subject: what is scaled or shifted, as the subject of a sentence.
        along: the direction at a comparison, of the output's shape; None if it does not exist there.
        is_shift: whether the coefficient is an offset; otherwise it is the factor of the subject, less 1.
        is_partial: whether it affects some slices only, which a rounded constant cannot explain.
        on_long_cases: whether it is measured on cases with long axes, in which kernels have a last tile.
    """

    subject: str
    along: Callable[[Compared], Array | None]
    is_shift: bool = False
    is_partial: bool = False
    on_long_cases: bool = False

    def describe(self, coefficient: float) -> str:
        """Describe an error of this direction with this coefficient."""
        if self.is_shift:
            return f"{self.subject} is shifted by {coefficient:.3g}"
        factor = 1 + coefficient
        if abs(factor) < LEFT_OUT:
            return f"{self.subject} is left out"
        digits = max(4, 2 - math.floor(math.log10(max(abs(coefficient), 1e-12))))
        return f"{self.subject} is {factor:.{digits}g} times as strong as it should be"


def error_directions(tree: Definition) -> Iterator[ErrorDirection]:
    """The directions of an equation: scales and a shift of outputs, and scales of arguments or of their last slices."""
    yield ErrorDirection("the output", lambda comparison: comparison.noise.value)
    yield ErrorDirection("the output", lambda comparison: np.ones(comparison.noise.value.shape), is_shift=True)
    for output, result in enumerate(tree.results if len(tree.results) > 1 else ()):
        yield ErrorDirection(result.name, partial(_only_output, output=output))
    for axis, name in ((-1, "column"), (-2, "row")):
        yield ErrorDirection(f"the last {name} of the output", partial(_last_of_output, axis=axis), is_partial=True)
    floats = [parameter for parameter in tree.parameters if parameter.kind == "float"]
    scaled = [_Scaled(each.name, axis) for each in floats for axis in (None, *range(-len(each.dims), 0))]
    tiles = {each: [replace(each, tile=tile) for tile in TILES] for each in scaled if _has_tiles(tree, each)}
    near, far = _Scales(tree, scaled), _Scales(tree, [tile for of_one in tiles.values() for tile in of_one])
    for each in scaled:
        subject = each.name if each.axis is None else f"the last slice of {each.name} along axis {each.axis}"
        yield ErrorDirection(subject, partial(near.along, scaled=each), is_partial=each.axis is not None)
        for tile in tiles.get(each, ()):
            subject = f"the last tile of {tile.name}, of {tile.tile},"
            yield ErrorDirection(subject, partial(far.along, scaled=tile), is_partial=True, on_long_cases=True)


def _has_tiles(tree: Definition, scaled: _Scaled) -> bool:
    """Whether kernels may divide an axis of an argument into tiles: weights are read whole."""
    return scaled.axis is not None and not tree.symbol(scaled.name).weight


def _only_output(comparison: Compared, output: int) -> Array:
    """The value of one output, and 0 for the others: these are counted among the elements without an error."""
    return comparison.noise.value if comparison.output == output else np.zeros_like(comparison.noise.value)


def _last_of_output(comparison: Compared, axis: int) -> Array:
    return only_last(comparison.noise.value, axis)


@dataclass(frozen=True, slots=True)
class _Scaled:
    """What is scaled: an argument, or its last slice or tile along an axis."""

    name: str
    axis: int | None = None
    tile: int = 1

    def of(self, case: Case) -> Case | None:
        """A case in which it is scaled by a little more; None if there is no such slice."""
        array = case.arrays[self.name]
        if self.axis is not None and array.shape[self.axis] <= self.tile:
            return None
        scaled = array if self.axis is None else only_last(array, self.axis, self.tile)
        return replace(case, arrays={**case.arrays, self.name: array + SCALE_STEP * scaled})


class _Scales:
    """The derivatives of the outputs of an equation with respect to the scales of its arguments.

    Those in a group are evaluated at once on a case, as far as it is small; they are kept until others are asked for.
    """

    def __init__(self, tree: Definition, group: Sequence[_Scaled]) -> None:
        self.tree, self.group = tree, group
        self.kept: dict[int, tuple[Sequence[_Scaled], list[Outputs]]] = {}

    def along(self, comparison: Compared, scaled: _Scaled) -> Array | None:
        """The derivative at a comparison, of the output's shape; None if there is none."""
        key = id(comparison.case)
        if key not in self.kept or scaled not in self.kept[key][0]:
            self.kept[key] = self.evaluated(comparison.case, self.group.index(scaled))
        among, found = self.kept[key]
        outputs = found[among.index(scaled)]
        # The forward difference (f(a + h·a) − f(a)) / h.
        return None if outputs is None else comparison.deviation(outputs[comparison.output]) / SCALE_STEP

    def evaluated(self, case: Case, first: int) -> tuple[Sequence[_Scaled], list[Outputs]]:
        """The values of a part of the group, from one on, on a case."""
        some = self.group[first : first + at_once(case)]
        changed = [each.of(case) for each in some]
        found = iter(values_of_others(self.tree, case, [each for each in changed if each is not None]))
        return some, [None if each is None else next(found) for each in changed]


def only_last(array: Array, axis: int, tile: int = 1) -> Array:
    """The array with 0 everywhere except in its last slice or tile along an axis.

    It is 0 everywhere if it does not have that axis, or if the axis has one element.
    """
    kept = np.zeros_like(array)
    if array.ndim >= -axis and array.shape[axis] > 1:
        begin = (array.shape[axis] - 1) // tile * tile
        np.moveaxis(kept, axis, 0)[begin:] = np.moveaxis(array, axis, 0)[begin:]
    return kept
