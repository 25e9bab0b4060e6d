"""Complex numbers that are known up to a radius.

They are what lies between a transform and its inverse, or between two turns: real numbers are what is compared. So
infinity and NaN are not kept, and a comparison is not traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import acb, arb

from attnspec.interpreters.balls.ball import UNKNOWN, Arithmetic, Ball, Untraceable, number


class ComplexBall(Arithmetic):
    """A complex number.

    Attributes:
        value: a finite ball for either part, or None if nothing is known of the number.
    """

    __slots__ = ("value",)

    def __init__(self, value: acb | None) -> None:
        self.value = value if value is not None and value.is_finite() else None

    @staticmethod
    def _combined(op: Callable[[Any, Any], Any], first: Any, second: Any) -> Any:
        a, b = as_complex(first), as_complex(second)
        if a is NotImplemented or b is NotImplemented:
            return NotImplemented
        if a.value is None or b.value is None:
            return ComplexBall(None)
        return ComplexBall(op(a.value, b.value))

    def __neg__(self) -> ComplexBall:
        return ComplexBall(None if self.value is None else -self.value)

    def __pos__(self) -> ComplexBall:
        return self

    def __abs__(self) -> Ball:
        return UNKNOWN if self.value is None else Ball(abs(self.value))

    def __eq__(self, other: object) -> bool:
        raise Untraceable("complex numbers are compared")

    def __bool__(self) -> bool:
        raise Untraceable("complex numbers are compared")

    __hash__ = None  # type: ignore[assignment]  # equal balls need not be the same number

    @property
    def real(self) -> Ball:
        """The real part."""
        return UNKNOWN if self.value is None else Ball(self.value.real)

    @property
    def imag(self) -> Ball:
        """The imaginary part."""
        return UNKNOWN if self.value is None else Ball(self.value.imag)

    def conjugate(self) -> ComplexBall:
        """The number with its imaginary part negated."""
        return ComplexBall(None if self.value is None else acb(self.value.real, -self.value.imag))

    def exp(self) -> ComplexBall:
        """e to its power."""
        return ComplexBall(None if self.value is None else self.value.exp())


def of_parts(real: Any, imaginary: Any) -> ComplexBall:
    """The number with these parts."""
    a, b = number(real).value, number(imaginary).value
    return ComplexBall(acb(a, b) if isinstance(a, arb) and isinstance(b, arb) else None)


def as_complex(value: Any) -> Any:
    """An operand as a complex number; NotImplemented if it is no single number."""
    if isinstance(value, ComplexBall):
        return value
    if isinstance(value, complex):
        return of_parts(value.real, value.imag)
    found = number(value)
    return found if found is NotImplemented else of_parts(found, 0)


def exponential(value: Any) -> Any:
    """e to the power of a real or complex number."""
    return (value if isinstance(value, ComplexBall) else number(value)).exp()
