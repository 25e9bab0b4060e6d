"""What an interpretation of an equation is made of: things, their named axes, and arithmetic on them.

The things (`T`) are arrays for a value, arrays with a variance for the noise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Array = Any
Axis = tuple[int, int]
"""A named axis at run time: the depth of the equation that named it, and its place there; sorted, so that axes
lifted over from outside come first."""


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """A thing whose leading axes are named by `axes`, sorted; the axes after them are the unnamed ones."""

    data: T
    axes: tuple[Axis, ...]


Value = Named[T] | float
"""What a node gives: a thing, or a number, which is exact until it meets one."""


class Algebra(ABC, Generic[T]):
    """What an interpretation is: things, and arithmetic on things whose axes line up."""

    @abstractmethod
    def source(self, array: Array) -> T:
        """An input."""

    @abstractmethod
    def constant(self, value: float, like: T) -> T:
        """A number that meets a thing."""

    @abstractmethod
    def blank(self, shape: tuple[int, ...]) -> T:
        """Zeros."""

    @abstractmethod
    def positions(self, count: int) -> T:
        """0, 1, … count−1, along one axis."""

    @abstractmethod
    def numbers(self, thing: T) -> Array:
        """Its values as whole numbers, which say a place."""

    @abstractmethod
    def shape(self, thing: T) -> tuple[int, ...]:
        """Its axes' sizes."""

    @abstractmethod
    def rearrange(self, move: Callable[..., Array], *things: T) -> T:
        """The same move of elements, without arithmetic, for every array that things are made of."""

    @abstractmethod
    def apply(self, op: str, *things: T) -> T:
        """An elementwise operation."""

    @abstractmethod
    def contract(self, a: T, b: T) -> T:
        """(…, l, k) by (…, k, r): products summed over k."""

    @abstractmethod
    def reduce(self, op: str, axis: int, term: T, where: T | None) -> T:
        """sum, max, argmax, softmax or log_softmax along an axis, where the condition holds."""

    @abstractmethod
    def masked(self, thing: T, where: T) -> T | None:
        """The thing with 0 where the condition fails; None where a value is not finite, and 0·∞ would show."""

    @abstractmethod
    def finite(self, thing: T) -> bool:
        """No NaN or infinity in it."""

    @property
    @abstractmethod
    def xp(self) -> Any:
        """The array namespace."""
