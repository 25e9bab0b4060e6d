"""Generic directions of error, for mistakes that are not among the mutants, such as a wrong scale of one argument."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.language.tree import Definition
from attnspec.thresholds import LEFT_OUT, SCALE_STEP
from attnspec.verification.judge.mutant_values import values
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
    for parameter in tree.parameters:
        if parameter.kind == "float":
            name = parameter.name
            yield ErrorDirection(name, _Scale(tree, name))
            for axis in range(-len(parameter.dims), 0):
                yield ErrorDirection(
                    f"the last slice of {name} along axis {axis}", _Scale(tree, name, axis), is_partial=True
                )
                for tile in TILES if not tree.symbol(name).weight else ():
                    along = _Scale(tree, name, axis, tile)
                    yield ErrorDirection(
                        f"the last tile of {name}, of {tile},", along, is_partial=True, on_long_cases=True
                    )


def _only_output(comparison: Compared, output: int) -> Array:
    """The value of one output, and 0 for the others: these are counted among the elements without an error."""
    return comparison.noise.value if comparison.output == output else np.zeros_like(comparison.noise.value)


def _last_of_output(comparison: Compared, axis: int) -> Array:
    return only_last(comparison.noise.value, axis)


class _Scale:
    """The derivative of the outputs with respect to the scale of an argument, or of its last slice along an axis."""

    def __init__(self, tree: Definition, name: str, axis: int | None = None, tile: int = 1) -> None:
        self.tree, self.name, self.axis, self.tile = tree, name, axis, tile
        self.cache: dict[int, tuple[Array, ...] | None] = {}

    def __call__(self, comparison: Compared) -> Array | None:
        key = id(comparison.case)
        if key not in self.cache:
            array = comparison.case.arrays[self.name]
            if self.axis is not None and array.shape[self.axis] <= self.tile:
                return None
            scaled = array if self.axis is None else only_last(array, self.axis, self.tile)
            changed = {**comparison.case.arrays, self.name: array + SCALE_STEP * scaled}
            self.cache[key] = values(self.tree, replace(comparison.case, arrays=changed))
        # The forward difference (f(a + h·a) − f(a)) / h.
        outputs = self.cache[key]
        return None if outputs is None else comparison.deviation(outputs[comparison.output]) / SCALE_STEP


def only_last(array: Array, axis: int, tile: int = 1) -> Array:
    """The array with 0 everywhere except in its last slice or tile along an axis.

    It is 0 everywhere if it does not have that axis, or if the axis has one element.
    """
    kept = np.zeros_like(array)
    if array.ndim >= -axis and array.shape[axis] > 1:
        begin = (array.shape[axis] - 1) // tile * tile
        np.moveaxis(kept, axis, 0)[begin:] = np.moveaxis(array, axis, 0)[begin:]
    return kept
