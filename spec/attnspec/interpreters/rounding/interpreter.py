"""What propagation and the ensemble have in common: values in float64 that carry the format they are kept in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast

from attnspec.interpreters.evaluation.algebra import of_kind
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.evaluation.walk import Array, Interpreter, Named, Value
from attnspec.interpreters.rounding.model import INTEGER_OPERATIONS, Rounding
from attnspec.interpreters.rounding.policy import OF_NUMBERS, Format, Policy

EXACT_FORMAT = Format("exact", 0, 0.0, float("inf"))
"""The format of values that every format represents exactly: integers, truth values and constants."""


class Kept(Protocol):
    """An array in float64, the coarsest format that represents it, and of how many products it is the sum; both
    interpreters' are dataclasses.
    """

    @property
    def value(self) -> Array: ...

    @property
    def format(self) -> Format: ...

    @property
    def terms(self) -> int: ...


T = TypeVar("T", bound=Kept)


class RoundingInterpreter(Interpreter[T]):
    """An interpreter whose results have errors under a precision policy.

    What is computed of numbers, sizes and positions alone, as a table of angles is, is not stored between operations:
    code computes it in the format of functions, also where it stores every result that depends on an input. It is
    stored where it meets such a result.
    """

    def __init__(self, namespace: Any, policy: Policy, constants: int | None = None) -> None:
        self.xp, self.values, self.unrounded = namespace, ValueOf(namespace, constants), ValueOf(namespace)
        self.policy = policy
        self._usual = self._roundings(policy)
        self.begin_line("")

    def begin_line(self, name: str) -> None:
        """Take the formats of this line, as a policy may make an exception for one line."""
        policy = self.policy.at(name)
        usual = policy is self.policy  # made once: an equation has many lines, and a recurrence many steps
        self.rounding, self.rounding_of_numbers = self._usual if usual else self._roundings(policy)

    def _roundings(self, policy: Policy) -> tuple[Rounding, Rounding]:
        """The models of a policy, and of what it computes of numbers and positions alone."""
        return Rounding(policy, self.xp), Rounding(policy.of_numbers(), self.xp)

    @property
    def counts(self) -> Array | None:  # of one reduction, here and in the values
        return self.values.counts

    @counts.setter
    def counts(self, counts: Array | None) -> None:
        self.values.counts = counts

    def as_integers(self, operand: T) -> Array:
        return self.values.as_integers(operand.value)

    def blank(self, shape: tuple[int, ...]) -> T:
        return self.exact(self.values.blank(shape))

    def positions(self, count: int) -> T:
        return self.exact(self.values.positions(count))

    def shape(self, operand: T) -> tuple[int, ...]:
        return tuple(operand.value.shape)

    def rank(self, value: Named[T]) -> int:
        return int(value.data.value.ndim) - len(value.axes)  # asked for each operand: without its whole shape

    def finite(self, operand: T) -> bool:
        return self.values.finite(operand.value)

    def rounding_of(self, *operands: T) -> Rounding:
        """The model of the errors of an operation on these operands."""
        for each in operands:
            if each.format is not EXACT_FORMAT and each.format.name != OF_NUMBERS:
                return self.rounding
        return self.rounding_of_numbers

    def elementwise(self, op: str, values: Sequence[Value[T]]) -> Value[T]:
        """An elementwise operation; a number beside what is not stored is not rounded to storage either."""
        if self.policy.storage.bits < self.policy.compute.bits:
            arrays = [value.data for value in values if isinstance(value, Named)]
            arrays = [each for each in arrays if not of_kind(each.value.dtype, "bool", self.xp)]
            if arrays and self.rounding_of(*arrays) is self.rounding_of_numbers:
                values = [each if isinstance(each, Named) else self.exact_number(each, arrays[0]) for each in values]
        return super().elementwise(op, values)

    def exact_number(self, value: float, like: T) -> Named[T]:
        """A number as an array, not rounded."""
        return Named(self.exact(self.unrounded.constant(value, like.value)), ())

    @abstractmethod
    def exact(self, array: Array) -> T:
        """An array that is exact in every format."""

    def met(self, operands: tuple[T, ...]) -> tuple[T, ...]:
        """The operands of one operation: what is computed of numbers alone is stored where it meets what is not."""
        if all(each.format.name != OF_NUMBERS for each in operands) or self.rounding_of(*operands) is not self.rounding:
            return operands
        target = self.rounding.policy.intermediates
        return tuple(self.stored(each, target) if each.format.name == OF_NUMBERS else each for each in operands)

    def stored(self, operand: T, target: Format) -> T:
        """An operand rounded to a format, and in that format also where it is as fine."""
        rounded: Any = self.rounded_to(operand, target)  # a dataclass, which a protocol cannot say
        return cast(T, replace(rounded, format=target))

    @abstractmethod
    def rounded_to(self, operand: T, target: Format) -> T:
        """One rounding to a format, unless the format represents the values already."""

    def with_summands(self, op: str, added: Array, rounding: Rounding, operands: Sequence[T]) -> tuple[Array, int]:
        """The variance that an operation adds, with that of what is added to a sum of products, and how many products
        the result is then the sum of.
        """
        if op not in ("+", "-"):
            return added, 0
        x, y = operands
        for count, other in ((x.terms, y), (y.terms, x)):
            added = added + rounding.added_to_sum(count, other.value) if count else added
        return added, x.terms + y.terms

    def is_integer_arithmetic(self, op: str, *operands: T) -> bool:
        """Whether an operation has exact integers as operands and result."""
        if op not in INTEGER_OPERATIONS or any(operand.format is not EXACT_FORMAT for operand in operands):
            return False
        return self.rounding.is_integer_arithmetic(op, *(operand.value for operand in operands))
