"""Real numbers that are known up to a radius, and arithmetic on them that never loses the exact value.

Rounding of formats does not exist here: a cast is the identity, and nothing overflows. Infinity and NaN are kept where
they are certain, as masks make them. A comparison of balls that overlap has no answer and raises `Undecided`.

The package python-flint is needed, the extra `attnspec[exact]`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from flint import arb, ctx

from attnspec.interpreters.rounding.policy import FORMATS
from attnspec.thresholds import CONSTANT_ROUNDINGS, EXACT_CONSTANT_BITS, MOST_CONSTANTS, SCALAR_CONSTANT_ERROR

PRECISION = 200
"""Significant bits of midpoints."""

SIGNIFICANT_BITS = {name: int(format.bits) for name, format in FORMATS.items()}
"""Of the formats in which constants are written."""

_Value: TypeAlias = "arb | float | None"


class Undecided(Exception):
    """A comparison of balls that overlap, or of a value that may be anything."""


class Untraceable(Exception):
    """An operation that would lose what is known of a number, or that is not defined for balls."""


class Constants:
    """The constants of the code that is evaluated.

    Attributes:
        given: numbers that are exact, since the code received them.
        seen: other numbers with many digits that it has used.
    """

    given: frozenset[float] = frozenset()
    seen: set[tuple[float, int]] = set()  # noqa: RUF012  # each context of `working` has its own


@contextmanager
def working(bits: int = PRECISION, given: Iterable[float] = ()) -> Iterator[None]:
    """Compute with so many bits.

    Args:
        bits: significant bits of midpoints.
        given: numbers that are exact where they appear as constants.
    """
    before, known, seen = ctx.prec, Constants.given, Constants.seen
    ctx.prec, Constants.given, Constants.seen = bits, frozenset(given), set()
    try:
        yield
    finally:
        ctx.prec, Constants.given, Constants.seen = before, known, seen


class Arithmetic:
    """The four operations of a number, with another one on either side."""

    __slots__ = ()

    @staticmethod
    def _combined(op: Callable[[Any, Any], Any], first: Any, second: Any) -> Any:
        """The result of an operation; NotImplemented if an operand is no single number."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self._combined(operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return self._combined(operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return self._combined(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._combined(operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return self._combined(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._combined(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._combined(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._combined(operator.truediv, other, self)


class Ball(Arithmetic):
    """A number.

    Attributes:
        value: a finite ball; infinity or NaN; or None if nothing is known of the number.
    """

    __slots__ = ("value",)
    __array_priority__ = -1.0

    def __init__(self, value: _Value) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Ball({self.value})"

    @staticmethod
    def _combined(op: Callable[[Any, Any], Any], first: Any, second: Any) -> Any:
        a, b = number(first), number(second)
        if a is NotImplemented or b is NotImplemented:
            return NotImplemented
        if isinstance(a.value, arb) and isinstance(b.value, arb):
            if op is operator.truediv and a.value.is_zero() and b.value.is_zero():
                return Ball(math.nan)
            return _finite(op(a.value, b.value))
        if a.value is None or b.value is None:
            return UNKNOWN
        return _beyond(op, a.value, b.value)

    def __floordiv__(self, other: Any) -> Any:
        quotient = self / other
        return quotient.floor() if isinstance(quotient, Ball) else quotient

    def __mod__(self, other: Any) -> Any:
        quotient = self // other
        return self - quotient * other if isinstance(quotient, Ball) else quotient

    def __pow__(self, other: Any) -> Any:
        return _power(self, number(other))

    def __rpow__(self, other: Any) -> Any:
        return _power(number(other), self)

    def __neg__(self) -> Ball:
        return Ball(None if self.value is None else -self.value)

    def __pos__(self) -> Ball:
        return self

    def __abs__(self) -> Ball:
        return Ball(None if self.value is None else abs(self.value))  # type: ignore[arg-type]  # its stub says object

    def __lt__(self, other: Any) -> Any:
        return _compared(operator.lt, operator.ge, self, number(other))

    def __le__(self, other: Any) -> Any:
        return _compared(operator.le, operator.gt, self, number(other))

    def __gt__(self, other: Any) -> Any:
        return _compared(operator.gt, operator.le, self, number(other))

    def __ge__(self, other: Any) -> Any:
        return _compared(operator.ge, operator.lt, self, number(other))

    def __eq__(self, other: Any) -> Any:
        if self is other and isinstance(self.value, arb):
            return True
        return _compared(operator.eq, operator.ne, self, number(other))

    def __ne__(self, other: Any) -> Any:
        equal = self == other
        return equal if equal is NotImplemented else not equal

    __hash__ = None  # type: ignore[assignment]  # equal balls need not be the same number

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __float__(self) -> float:
        raise Untraceable("a number is converted to a Python float")

    def __int__(self) -> int:
        found = self.whole()
        if found is None:
            raise Untraceable("a number is converted to an integer")
        return found

    @property
    def real(self) -> Ball:
        """The number itself, as NumPy's variance needs it."""
        return self

    def conjugate(self) -> Ball:
        """The number itself, as NumPy's variance needs it."""
        return self

    def whole(self) -> int | None:
        """The number as an integer, if it is exactly one."""
        if isinstance(self.value, arb) and self.value.is_exact() and self.value.is_integer():
            return int(self.value.unique_fmpz() or 0)
        return None

    def floor(self) -> Ball:
        """The largest integer that is not larger.

        Raises:
            Undecided: the ball contains numbers with different ones.
        """
        if not isinstance(self.value, arb):
            return self
        found = self.value.floor().unique_fmpz()
        if found is None:
            raise Undecided("the integer part of a number")
        return Ball(arb(found))

    def is_nan(self) -> bool:
        """Whether it is NaN."""
        return math.isnan(_certain(self))

    def is_infinite(self) -> bool:
        """Whether it is infinite."""
        return math.isinf(_certain(self))

    def exp(self) -> Ball:
        return _mapped(arb.exp, math.exp, self)

    def exp2(self) -> Ball:
        return _mapped(lambda x: arb(2) ** x, math.exp2, self)

    def expm1(self) -> Ball:
        return _mapped(arb.expm1, math.expm1, self)

    def log(self) -> Ball:
        return _logarithm(self)

    def log2(self) -> Ball:
        return _logarithm(self) / Ball(arb(2).log())  # type: ignore[no-any-return]  # operators are dynamic

    def log10(self) -> Ball:
        return _logarithm(self) / Ball(arb(10).log())  # type: ignore[no-any-return]  # operators are dynamic

    def log1p(self) -> Ball:
        if _is_small(self):
            return _mapped(arb.log1p, math.log1p, self)
        return _logarithm(self + 1)

    def sqrt(self) -> Ball:
        if isinstance(self.value, arb) and self.value < 0:
            return Ball(math.nan)
        return _mapped(arb.sqrt, lambda x: x if x > 0 else math.nan, self)

    def sin(self) -> Ball:
        return _mapped(arb.sin, lambda x: math.nan, self)

    def cos(self) -> Ball:
        return _mapped(arb.cos, lambda x: math.nan, self)

    def tan(self) -> Ball:
        return _mapped(arb.tan, lambda x: math.nan, self)

    def tanh(self) -> Ball:
        return _mapped(arb.tanh, math.tanh, self)

    def sinh(self) -> Ball:
        return _mapped(arb.sinh, math.sinh, self)

    def cosh(self) -> Ball:
        return _mapped(arb.cosh, math.cosh, self)

    def arctan(self) -> Ball:
        return _mapped(arb.atan, math.atan, self)

    def erf(self) -> Ball:
        return _mapped(arb.erf, math.erf, self)

    def erfc(self) -> Ball:
        return _mapped(arb.erfc, math.erfc, self)

    def sigmoid(self) -> Ball:
        """1 / (1 + e^−x)."""
        result: Ball = 1 / (1 + (-self).exp())
        return result


UNKNOWN = Ball(None)


def exact(value: float | int) -> Ball:
    """A number that is known exactly: a ball of radius 0, infinity or NaN."""
    number = float(value) if isinstance(value, float | np.floating) else int(value)
    return Ball(arb(number) if isinstance(number, int) or math.isfinite(number) else number)


def number(value: Any) -> Any:
    """An operand as a ball; NotImplemented if it is no single number."""
    if isinstance(value, Ball):
        return value
    if isinstance(value, bool | int | np.integer | np.bool):
        return exact(int(value))
    if isinstance(value, float):
        return constant(float(value))
    if isinstance(value, np.generic) and value.dtype.name in SIGNIFICANT_BITS:
        return constant(float(value), value.dtype.name)
    if isinstance(value, np.ndarray) and not value.ndim and value.dtype == object:
        return number(value.item())
    return NotImplemented


def constant(value: float, written_in: str = "float64") -> Ball:
    """A constant of code, widened by what rounding may have changed before it was written.

    Numbers that the code was given are exact, and so are those of few digits, unless they may be a given one, rounded.

    Raises:
        Untraceable: there are many constants; they are a table that was computed from something.
    """
    if written_in == "float64" and has_few_bits(value, SIGNIFICANT_BITS["float32"]):
        written_in = "float32"  # a library may hand a number on in fewer digits, as PyTorch's rms_norm does with eps
    bits = SIGNIFICANT_BITS[written_in]
    rounds = bits < SIGNIFICANT_BITS["float64"] and math.isfinite(value) and value not in Constants.given
    if rounds:
        errors = ((each, abs(each) * 2.0 ** (1 - bits) + FORMATS[written_in].least) for each in Constants.given)
        if likely := [error for each, error in errors if abs(each - value) <= error]:
            return Ball(arb(value, max(likely)))
    if is_exact(value, written_in):
        return exact(value)
    Constants.seen.add((value, bits))
    if len(Constants.seen) > MOST_CONSTANTS:
        raise Untraceable("it has a table of constants")
    return Ball(
        arb(value, abs(value) * (CONSTANT_ROUNDINGS * 2.0**-bits + SCALAR_CONSTANT_ERROR) + SCALAR_CONSTANT_ERROR)
    )


def is_exact(value: float, written_in: str = "float64") -> bool:
    """Whether a constant means just this number: it is given, whole, of few binary digits, infinite or NaN.

    In half precision a rounded number has few digits itself, so fewer than half of those of the format are asked, also
    of a whole number that has more digits than that half.
    """
    if not math.isfinite(value) or value in Constants.given:
        return True
    few, whole = EXACT_CONSTANT_BITS, math.inf
    if SIGNIFICANT_BITS[written_in] < 2 * few:
        half = SIGNIFICANT_BITS[written_in] // 2
        few, whole = half - 1, 2.0**half
    if value.is_integer() and abs(value) <= whole:
        return True
    return has_few_bits(value, few)


def has_few_bits(value: float, bits: int) -> bool:
    """Whether a number has at most so many significant bits."""
    return math.isfinite(value) and math.ldexp(math.frexp(value)[0], bits).is_integer()


def largest(a: Any, b: Any) -> Ball:
    """The larger of two numbers, also where their balls overlap; NaN if one is."""
    return _extreme(arb.max, max, operator.ge, number(a), number(b))


def least(a: Any, b: Any) -> Ball:
    """The smaller of two numbers, also where their balls overlap; NaN if one is."""
    return _extreme(arb.min, min, operator.le, number(a), number(b))


def _extreme(
    of_balls: Callable[[arb, arb], arb],
    of_floats: Callable[[float, float], float],
    is_beyond: Callable[[Any, Any], bool],
    a: Ball,
    b: Ball,
) -> Ball:
    if isinstance(a.value, arb) and isinstance(b.value, arb):
        if is_beyond(a.value, b.value):  # itself, so that a comparison with it is decided, as in the gradient of amax
            return a
        return b if is_beyond(b.value, a.value) else Ball(of_balls(a.value, b.value))
    if a.value is None or b.value is None:
        return UNKNOWN
    if any(isinstance(each.value, float) and math.isnan(each.value) for each in (a, b)):
        return Ball(math.nan)
    first, second = (0.0 if isinstance(value, arb) else value for value in (a.value, b.value))
    return a if of_floats(first, second) == first else b


def _beyond(op: Callable[[Any, Any], Any], a: _Value, b: _Value) -> Ball:
    """The result of an operation of which an operand is infinite or NaN, as IEEE 754 has it."""
    if any(isinstance(each, float) and math.isnan(each) for each in (a, b)):
        return Ball(math.nan)
    if op in (operator.add, operator.sub):
        signs = [0.0 if isinstance(each, arb) else each for each in (a, b)]
    elif op is operator.truediv and isinstance(a, arb):
        return Ball(arb(0))
    else:
        signs = [_sign(each) if isinstance(each, arb) else each for each in (a, b)]
        if None in signs or (op is operator.truediv and signs[1] == 0):
            return UNKNOWN
    result = op(*signs)
    return Ball(result if not math.isfinite(result) else arb(result))


def _sign(ball: arb) -> float | None:
    """1, −1 or 0; None if it is not certain."""
    if ball > 0:
        return 1.0
    if ball < 0:
        return -1.0
    return 0.0 if ball.is_zero() else None


def _power(base: Any, exponent: Any) -> Any:
    if base is NotImplemented or exponent is NotImplemented:
        return NotImplemented
    whole = exponent.whole()
    if isinstance(base.value, arb) and isinstance(exponent.value, arb):
        if whole is not None and abs(whole) < 1 << 30:
            return _finite(base.value**whole)
        if exponent.value.is_exact() and exponent.value == arb(0.5):
            return base.sqrt()
        if base.value.is_zero() and exponent.value > 0:
            return Ball(arb(0))
        return _finite(base.value**exponent.value) if base.value > 0 else UNKNOWN
    if base.value is None or exponent.value is None or whole is None:
        return UNKNOWN
    result = float(base.value) ** whole if whole else 1.0
    return Ball(result if not math.isfinite(result) else arb(result))


def _compared(op: Callable[[Any, Any], bool], negation: Callable[[Any, Any], bool], a: Any, b: Any) -> Any:
    if b is NotImplemented:
        return NotImplemented
    x, y = a.value, b.value
    if isinstance(x, arb) and isinstance(y, arb):
        if op(x, y):
            return True
        if negation(x, y):
            return False
        if a is b:  # an element compared with itself, as in a rank: it equals itself, whatever it is
            return op(arb(0), arb(0))
        raise Undecided("a comparison of two numbers that are equal to all digits")
    if x is None or y is None:
        raise Undecided("a comparison with a number that may be anything")
    return op(*(0.0 if isinstance(each, arb) else each for each in (x, y)))


def _certain(ball: Ball) -> float:
    if ball.value is None:
        raise Undecided("whether a number is finite")
    return 0.0 if isinstance(ball.value, arb) else ball.value


def _finite(value: arb) -> Ball:
    return Ball(value) if value.is_finite() else UNKNOWN


def _mapped(of_ball: Callable[[arb], arb], of_infinity: Callable[[float], float], x: Ball) -> Ball:
    """A function of a number."""
    if isinstance(x.value, arb):
        return _finite(of_ball(x.value))
    if x.value is None or math.isnan(x.value):
        return x
    result = of_infinity(x.value)
    return Ball(result if not math.isfinite(result) else arb(result))


def _logarithm(x: Ball) -> Ball:
    if isinstance(x.value, arb) and x.value.is_zero():
        return Ball(-math.inf)
    if isinstance(x.value, arb) and x.value < 0:
        return Ball(math.nan)
    return _mapped(arb.log, lambda v: v if v > 0 else math.nan, x)


def _is_small(x: Ball) -> bool:
    return isinstance(x.value, arb) and bool(abs(x.value) < arb(0.5))
