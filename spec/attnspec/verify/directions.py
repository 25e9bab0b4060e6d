"""Generic directions of error: what a wrong version may do that no mutant foresaw, such as one argument too strong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.language.tree import Definition
from attnspec.verify.statistics import Compared
from attnspec.verify.wrong import values

Array = NDArray[Any]

STEP = 2.0**-10
"""The relative change by which the direction of an argument's scale is measured."""


@dataclass(frozen=True, slots=True)
class Generic:
    """One direction.

    Attributes:
        template: the sentence, with a place for how many times as strong something is, or for how much is added.
        along: the direction at a comparison.
        factor: the sentence speaks of a factor, 1 + the coefficient, and not of the coefficient.
    """

    template: str
    along: Callable[[Compared], Array | None]
    factor: bool = True

    def says(self, coefficient: float) -> str:
        """The sentence for a coefficient."""
        return self.template.format(1 + coefficient if self.factor else coefficient)


def generic(tree: Definition) -> Iterator[Generic]:
    """The output, a shift of it, its last row and column; the scale of every argument and of its last slices."""
    yield Generic("the output is {:.4f} times what it should be", lambda each: each.noise.value)
    yield Generic("the output is shifted by {:.3g}", lambda each: np.ones(each.noise.value.shape), factor=False)
    for axis, name in ((-1, "column"), (-2, "row")):
        template = f"the last {name} of the output is {{:.4f}} times what it should be"
        yield Generic(template, partial(_last_of_output, axis=axis))
    for parameter in tree.parameters:
        if parameter.kind == "float":
            name, strength = parameter.name, "acts {:.4f} times as strongly as it should"
            yield Generic(f"{name} {strength}", _Scale(tree, name))
            for axis in range(-len(parameter.dims), 0):
                yield Generic(f"the last slice of {name} along axis {axis} {strength}", _Scale(tree, name, axis))


def _last_of_output(each: Compared, axis: int) -> Array:
    return only_last(each.noise.value, axis)


class _Scale:
    """The derivative of the outputs with respect to the scale of an argument, or of its last slice along an axis."""

    def __init__(self, tree: Definition, name: str, axis: int | None = None) -> None:
        self.tree, self.name, self.axis = tree, name, axis
        self.known: dict[int, tuple[Array, ...] | None] = {}

    def __call__(self, each: Compared) -> Array | None:
        key = id(each.case)
        if key not in self.known:
            own = each.case.arrays[self.name]
            grown = own + STEP * (own if self.axis is None else only_last(own, self.axis))
            moved = replace(each.case, arrays={**each.case.arrays, self.name: grown})
            self.known[key] = values(self.tree, moved)
        found = self.known[key]
        return None if found is None else (found[each.output] - each.noise.value) / STEP


def only_last(array: Array, axis: int) -> Array:
    """The array, 0 but in its last slice along an axis; 0 throughout where it has no such axis to speak of."""
    kept = np.zeros_like(array)
    if array.ndim >= -axis and array.shape[axis] > 1:
        np.moveaxis(kept, axis, 0)[-1] = np.moveaxis(array, axis, 0)[-1]
    return kept
