"""The algebra of an interpretation: the type of its arrays, their named axes, and arithmetic on them.

The type `T` is a plain array where an equation is evaluated, and an array with a variance where noise is computed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Array = Any
Axis = tuple[int, int]
"""The key of a named axis: the depth of the equation that names it, and the position of its index there. Keys are
sorted, so that the axes of callers come first."""


@dataclass(slots=True, eq=False)
class Named(Generic[T]):
    """An array with named axes; never changed, although not frozen, since a frozen one takes twice as long to make.

    Attributes:
        data: the array, with the named axes first and the unnamed ones last.
        axes: the names of the leading axes, sorted.
    """

    data: T
    axes: tuple[Axis, ...]


Value = Named[T] | float
"""The value of a node: an array, or a number, which stays exact until an operation combines it with an array."""


def some(condition: Array, xp: Any) -> bool:
    """Whether any element is true. For small arrays a count takes a third of the time of `any`."""
    return bool(xp.count_nonzero(condition))


def every(condition: Array, xp: Any) -> bool:
    """Whether all elements are true."""
    return bool(xp.count_nonzero(condition) == math.prod(condition.shape))


@cache
def of_kind(dtype: Any, kind: str, xp: Any) -> bool:
    """Whether a dtype is of a kind of the Array API, remembered since NumPy takes long to tell."""
    return bool(xp.isdtype(dtype, kind))


class Algebra(ABC, Generic[T]):
    """Operations on arrays of type `T` whose axes are aligned.

    Attributes:
        xp: the array namespace.
        counts: during a reduction, how many equal elements each place along its axis stands for; None if one each.
    """

    xp: Any
    counts: Array | None = None

    def counted(self, array: Array, axis: int = -1, power: int = 1) -> Array:
        """An array times the counts, to a power, of the places along an axis."""
        if self.counts is None:
            return array
        shape = [1] * array.ndim
        shape[axis] = -1
        return array * self.xp.reshape(self.counts, tuple(shape)) ** power

    def number(self, array: Array, axis: int = -1) -> int:
        """How many elements an axis has, equal ones counted."""
        return int(array.shape[axis] if self.counts is None else self.xp.sum(self.counts))

    def counts_along(self, array: Array, axis: int) -> Array | float:
        """The counts of the places along an axis, as an array that broadcasts with another."""
        return 1.0 if self.counts is None else self.counted(self.xp.ones_like(array), axis)

    @abstractmethod
    def source(self, array: Array) -> T:
        """An input array as a `T`."""

    @abstractmethod
    def constant(self, value: float, like: T) -> T:
        """A number as a `T`, with the dtype and device of another."""

    @abstractmethod
    def blank(self, shape: tuple[int, ...]) -> T:
        """An array of zeros."""

    @abstractmethod
    def positions(self, count: int) -> T:
        """The numbers 0, 1, …, count − 1 along one axis."""

    @abstractmethod
    def as_integers(self, operand: T) -> Array:
        """The values as integers, for use as indices."""

    @abstractmethod
    def shape(self, operand: T) -> tuple[int, ...]:
        """The shape of the array."""

    @abstractmethod
    def rearrange(self, move: Callable[..., Array], *operands: T) -> T:
        """Apply a function that only moves elements to every array that the operands consist of."""

    @abstractmethod
    def apply(self, op: str, *operands: T) -> T:
        """An elementwise operation, by the name that the syntax tree gives it."""

    def round_operand(self, operand: T) -> T:
        """An operand of a product of matrices, as an interpretation rounds it."""
        return operand

    @abstractmethod
    def contract(self, a: T, b: T) -> T:
        """The product of matrices (…, l, k) and (…, k, r), of shape (…, l, r)."""

    @abstractmethod
    def reduce(self, op: str, axis: int, term: T, where: T | None) -> T:
        """The reduction sum, max, argmax, softmax or log_softmax along an axis, of elements where a condition holds."""

    @abstractmethod
    def masked(self, operand: T, where: T) -> T | None:
        """The operand with 0 where the condition fails; None if it has NaN or infinity, since 0·∞ is NaN."""

    @abstractmethod
    def finite(self, operand: T) -> bool:
        """Whether all values are finite."""
