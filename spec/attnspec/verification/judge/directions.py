"""Generic directions of error, which need no mutant: an argument that is too strong, a shift of the output."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.language.symbols import symbol
from attnspec.language.tree import Definition
from attnspec.thresholds import LEFT_OUT, SCALE_STEP
from attnspec.verification.judge.mutant_values import values
from attnspec.verification.judge.residuals import Compared

Array = NDArray[Any]

TILES = (16, 32, 64, 128)
"""Sizes into which kernels cut an axis; what is left over is their last tile."""


@dataclass(frozen=True, slots=True)
class ErrorDirection:
    """One direction of error.

    Attributes:
        what: what is too strong, too weak or shifted, as the subject of a sentence.
        along: returns the direction for a comparison; None if it does not exist there.
        shift: whether the coefficient is an added number rather than a change of strength.
        part: whether it is about some slices only, which a rounded constant cannot explain.
        far: whether it is also measured on long cases, where kernels have a last tile.
    """

    what: str
    along: Callable[[Compared], Array | None]
    shift: bool = False
    part: bool = False
    far: bool = False

    def says(self, coefficient: float) -> str:
        """The sentence for a coefficient."""
        if self.shift:
            return f"{self.what} is shifted by {coefficient:.3g}"
        factor = 1 + coefficient
        if abs(factor) < LEFT_OUT:
            return f"{self.what} is left out"
        digits = max(4, 2 - math.floor(math.log10(max(abs(coefficient), 1e-12))))
        return f"{self.what} is {factor:.{digits}g} times as strong as it should be"


def error_directions(tree: Definition) -> Iterator[ErrorDirection]:
    """The directions of an equation: scale and shift of outputs, last rows and columns, scales of arguments."""
    yield ErrorDirection("the output", lambda each: each.noise.value)
    yield ErrorDirection("the output", lambda each: np.ones(each.noise.value.shape), shift=True)
    for place, result in enumerate(tree.results if len(tree.results) > 1 else ()):
        yield ErrorDirection(result.name, partial(_only_output, place=place))
    for axis, name in ((-1, "column"), (-2, "row")):
        yield ErrorDirection(f"the last {name} of the output", partial(_last_of_output, axis=axis), part=True)
    for parameter in tree.parameters:
        if parameter.kind == "float":
            name = parameter.name
            yield ErrorDirection(name, _Scale(tree, name))
            for axis in range(-len(parameter.dims), 0):
                yield ErrorDirection(f"the last slice of {name} along axis {axis}", _Scale(tree, name, axis), part=True)
                for tile in TILES if not symbol(name, tree.id).weight else ():
                    along = _Scale(tree, name, axis, tile)
                    yield ErrorDirection(f"the last tile of {name}, of {tile},", along, part=True, far=True)


def _only_output(each: Compared, place: int) -> Array:
    """One of several outputs; the others count as 0, so that this one must have most of the whole error."""
    return each.noise.value if each.output == place else np.zeros_like(each.noise.value)


def _last_of_output(each: Compared, axis: int) -> Array:
    return only_last(each.noise.value, axis)


class _Scale:
    """The derivative of the outputs with respect to the scale of an argument, or of its last slice along an axis."""

    def __init__(self, tree: Definition, name: str, axis: int | None = None, tile: int = 1) -> None:
        self.tree, self.name, self.axis, self.tile = tree, name, axis, tile
        self.known: dict[int, tuple[Array, ...] | None] = {}

    def __call__(self, each: Compared) -> Array | None:
        key = id(each.case)
        if key not in self.known:
            own = each.case.arrays[self.name]
            if self.axis is not None and own.shape[self.axis] <= self.tile:
                return None
            grown = own + SCALE_STEP * (own if self.axis is None else only_last(own, self.axis, self.tile))
            moved = replace(each.case, arrays={**each.case.arrays, self.name: grown})
            self.known[key] = values(self.tree, moved)
        found = self.known[key]
        return None if found is None else (found[each.output] - each.noise.value) / SCALE_STEP


def only_last(array: Array, axis: int, tile: int = 1) -> Array:
    """The array with zeros everywhere but in its last slice or tile along an axis; all zeros if it has no such axis."""
    kept = np.zeros_like(array)
    if array.ndim >= -axis and array.shape[axis] > 1:
        begin = (array.shape[axis] - 1) // tile * tile
        np.moveaxis(kept, axis, 0)[begin:] = np.moveaxis(array, axis, 0)[begin:]
    return kept
