"""Arrays of a candidate that have the values of a part of an equation, in whatever layout."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.rounding.noise import Noise
from attnspec.thresholds import MATCHED_BITS, MATCHED_ELEMENTS, MOST_BITS

Array = NDArray[Any]

MOST_AXES = 5
"""Axes of arrays with more than this many are not permuted."""

AS_IT_IS = "as it is"
"""The way in which an array has the values of a part: unchanged, in any layout, or beside others."""


@dataclass(frozen=True, eq=False)
class Searched:
    """An array in which values are looked for, perhaps often; its numbers are sorted once."""

    array: Array

    @classmethod
    def of(cls, array: Array | Searched) -> Searched:
        """An array, if it is not one already."""
        return array if isinstance(array, Searched) else cls(array)

    @cached_property
    def in_order(self) -> Array:
        """The numbers in ascending order, NaN last."""
        return np.sort(self.array, axis=None)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest number; 0 if there is none."""
        return (float(self.in_order[0]), float(self.in_order[-1])) if self.array.size else (0.0, 0.0)

    @cached_property
    def is_finite(self) -> bool:
        """Whether all numbers are finite."""
        return all(map(math.isfinite, self.ends))


@dataclass(frozen=True, eq=False)
class Expected:
    """The values of a part of an equation, with their noise; axes of size 1 are left out.

    Attributes:
        value: the values.
        bound: the largest rounding error of each.
    """

    value: Array
    bound: Array

    @classmethod
    def of(cls, noise: Noise) -> Expected | None:
        """The values of a noise; None if some of them cannot be judged, or are not finite."""
        if noise.undecidable.any() or not np.isfinite(noise.value).all():
            return None
        return cls(np.squeeze(noise.value), np.squeeze(noise.bound))

    @cached_property
    def is_telling(self) -> bool:
        """Whether another array hardly has these values by chance: enough of them differ, by enough bits."""
        flat, order = self.value.ravel(), np.argsort(self.value, axis=None)
        gaps = np.diff(flat[order]) > 2 * self.bound.ravel()[order][1:]
        distinct = 1 + int(gaps.sum()) if flat.size else 0
        if distinct < MATCHED_ELEMENTS:
            return False
        spread = float(flat.max() - flat.min())
        with np.errstate(divide="ignore"):
            bits = np.minimum(np.log2(spread / (2 * self.bound.ravel()[order])), MOST_BITS)
        return float(np.maximum(bits, 0.0)[np.append(True, gaps)].sum()) >= MATCHED_BITS

    @cached_property
    def numbers(self) -> Searched:
        """The values, of which the order is known too."""
        return Searched(self.value)

    @cached_property
    def largest_bound(self) -> float:
        """The largest of the bounds."""
        return float(self.bound.max(initial=0.0))

    def changed(self, factor: float, term: float = 0.0) -> Expected:
        """factor · value + term."""
        return Expected(factor * self.value + term, abs(factor) * self.bound)

    def equals(self, array: Array | Searched) -> bool:
        """Whether an array of as many elements has these values, with its axes in any order and layout."""
        there = Searched.of(array)
        if there.array.size != self.value.size or not self._has_ends(*there.ends) or not there.is_finite:
            return False
        if np.abs(there.in_order - self.numbers.in_order).max(initial=0.0) > self.largest_bound:
            return False
        squeezed = np.squeeze(there.array)
        ordered = ((squeezed.ravel(), axes) for axes in _orders(self.value.ndim))
        if any(self._is_near(values, axes) for values, axes in ordered):
            return True
        same = tuple(range(self.value.ndim))
        return any(self._is_near(squeezed.transpose(axes).ravel(), same) for axes in _orders(squeezed.ndim))

    def _has_ends(self, least: float, largest: float, factor: float = 1.0, term: float = 0.0) -> bool:
        """Whether these are the smallest and the largest number of factor · value + term, or NaN."""
        ends, bound = self.numbers.ends, abs(factor) * self.largest_bound
        first, last = ends if factor >= 0 else ends[::-1]
        return not (abs(factor * first + term - least) > bound or abs(factor * last + term - largest) > bound)

    def _is_near(self, values: Array, axes: tuple[int, ...]) -> bool:
        """Whether values in C order are these, with their axes in an order."""
        error = np.abs(values - self.value.transpose(axes).ravel())
        return bool((error <= self.bound.transpose(axes).ravel()).all())

    def way(self, array: Array | Searched) -> str | None:
        """How an array has these values if not as they are: negated, as 1 minus it, or times a number; else None."""
        there = Searched.of(array)
        if there.array.size != self.value.size or not there.is_finite:
            return None
        factor = self._factor(there.array)
        ways = [(-1.0, 0.0, "with the other sign"), (-1.0, 1.0, "subtracted from 1")]
        ways += [(number, 0.0, f"multiplied by {number:.4g}") for number in (factor, -factor) if factor]
        for number, term, says in ways:
            if self._has_ends(*there.ends, number, term) and self.changed(number, term).equals(there):
                return says
        return None

    def _factor(self, array: Array) -> float:
        """The positive number that these values are multiplied by, if an array has them times a number."""
        own = float(np.abs(self.value).sum())
        return float(np.abs(array).sum()) / own if own > 0 else 0.0

    def is_in(self, array: Array | Searched) -> bool:
        """Whether an array has these values, alone or in a slice along one axis."""
        there = Searched.of(array)
        if there.array.size <= self.value.size:
            return self.equals(there)
        return self._may_be_in(there) and any(self.equals(part) for part in _slices(there.array, self.value.size))

    def _may_be_in(self, there: Searched) -> bool:
        """Whether some of these values occur in an array."""
        some = self.numbers.in_order[:: max(1, self.value.size // 3)]
        places = np.searchsorted(there.in_order, some - self.largest_bound)
        found = there.in_order[np.minimum(places, there.array.size - 1)]
        return bool((found <= some + self.largest_bound).all())


def _orders(axes: int) -> Iterator[tuple[int, ...]]:
    """The orders of axes, the usual one first."""
    return permutations(range(axes)) if axes <= MOST_AXES else iter([tuple(range(axes))])


def _slices(array: Array, size: int) -> Iterator[Array]:
    """The slices of an array along one axis that have a number of elements."""
    for axis, length in enumerate(array.shape):
        others = array.size // length if length else 0
        if others and size % others == 0:
            width = size // others
            for start in range(length - width + 1):
                yield array[(slice(None),) * axis + (slice(start, start + width),)]
