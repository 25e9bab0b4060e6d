"""Functions of one or two numbers that are no methods of a ball."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from flint import arb

from attnspec.interpreters.balls.ball import UNKNOWN, Ball, Undecided, Untraceable, exact, number


def of_arb(
    function: Callable[[arb], arb], at_infinity: Callable[[float], float] | None = None
) -> Callable[[Any], Ball]:
    """A function of finite balls as one of numbers; elsewhere, and outside its domain, nothing is known.

    Args:
        function: the function.
        at_infinity: its values at infinity, if it has them.
    """

    def apply(x: Ball) -> Ball:
        if isinstance(x.value, arb):
            found = function(x.value)
            return Ball(found) if found.is_finite() else UNKNOWN
        if x.value is None or math.isnan(x.value):
            return x
        return UNKNOWN if at_infinity is None else exact(float(at_infinity(x.value)))

    return apply


def sign(x: Ball) -> Ball:
    """1, 0 or −1."""
    return x if x.is_nan() else exact(1 if x > 0 else -1 if x < 0 else 0)


def ceil(x: Ball) -> Ball:
    """The smallest integer that is not smaller."""
    return -(-x).floor()


def truncated(x: Ball) -> Ball:
    """A number without what is behind the point."""
    return x.floor() if x >= 0 else ceil(x)


def rounded(x: Ball, to_even: bool = True) -> Ball:
    """The nearest integer; of two that are as near, the even one or that with the larger magnitude."""
    if not isinstance(x.value, arb):
        return x
    above: Ball = x + exact(0.5)
    found = above.floor()
    if above.whole() is not None and (int(found) % 2 if to_even else x < 0):
        found -= 1
    return found


def remainder(a: Ball, b: Ball) -> Ball:
    """What is left of a division, with the sign of what is divided."""
    quotient: Ball = a / b
    left: Ball = a - truncated(quotient) * b
    return left


def with_sign(a: Ball, b: Ball) -> Ball:
    """The magnitude of a number with the sign of another.

    Raises:
        Undecided: that is 0, of which a ball does not know the sign.
    """
    if b == 0 and not a == 0:
        raise Undecided("the sign of 0")
    return abs(a) if b > 0 else -abs(a)


def step(x: Ball, at_zero: Ball) -> Ball:
    """0 below 0, and 1 above."""
    return x if x.is_nan() else exact(0) if x < 0 else exact(1) if x > 0 else at_zero


cube_root = of_arb(lambda x: x.root(3) if x >= 0 else -((-x).root(3)), lambda x: x)
log_gamma = of_arb(lambda x: x.lgamma() if x > 0 else arb.nan(), abs)
asinh = of_arb(arb.asinh, lambda x: x)


def atan2(y: Ball, x: Ball) -> Ball:
    """The angle of a point."""
    found = arb.atan2(y.value, x.value) if isinstance(y.value, arb) and isinstance(x.value, arb) else arb.nan()
    return Ball(found) if found.is_finite() else UNKNOWN


def log_sigmoid(x: Ball) -> Ball:
    """The logarithm of 1 / (1 + e^−x)."""
    return -((1 + (-x).exp()).log())  # type: ignore[no-any-return]  # operators are dynamic


def normal(x: Ball) -> Ball:
    """Φ, the distribution function of the normal distribution."""
    return (-x / exact(2).sqrt()).erfc() / 2  # type: ignore[no-any-return]  # operators are dynamic


def x_log_y(x: Ball, y: Ball) -> Ball:
    """x log y, and 0 where x is 0."""
    if _is_zero(x):
        return y if y.is_nan() else exact(0)
    return x * y.log()  # type: ignore[no-any-return]  # operators are dynamic


def entropy(x: Ball) -> Ball:
    """−x log x, and −∞ below 0."""
    if x.is_nan():
        return x
    return exact(-math.inf) if x < 0 else -x_log_y(x, x)


def relative_entropy(x: Ball, y: Ball) -> Ball:
    """x log(x / y), 0 where x is 0, and ∞ outside its domain."""
    if x.is_nan() or y.is_nan():
        return exact(math.nan)
    if x > 0 and y > 0:
        return x * (x / y).log()  # type: ignore[no-any-return]  # operators are dynamic
    return exact(0 if _is_zero(x) and y >= 0 else math.inf)


def divergence(x: Ball, y: Ball) -> Ball:
    """x log(x / y) − x + y."""
    return relative_entropy(x, y) - x + y  # type: ignore[no-any-return]  # operators are dynamic


def _is_zero(x: Ball) -> bool:
    return isinstance(x.value, arb) and x.value.is_zero()


def of_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of balls as one of balls and Python's numbers.

    Raises:
        Untraceable: it is called on something else.
    """
    return lambda *each: function(*map(_operand, each))


def _operand(value: Any) -> Ball:
    found = number(value)
    if found is NotImplemented:
        raise Untraceable(f"{type(value).__name__} stands where a number is needed")
    return found  # type: ignore[no-any-return]  # a ball


FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "exp": (Ball.exp, 1), "exp2": (Ball.exp2, 1), "expm1": (Ball.expm1, 1), "log": (Ball.log, 1),
    "log2": (Ball.log2, 1), "log10": (Ball.log10, 1), "log1p": (Ball.log1p, 1), "sqrt": (Ball.sqrt, 1),
    "cbrt": (cube_root, 1), "fabs": (Ball.__abs__, 1), "sin": (Ball.sin, 1), "cos": (Ball.cos, 1),
    "tan": (Ball.tan, 1), "sinh": (Ball.sinh, 1), "cosh": (Ball.cosh, 1), "tanh": (Ball.tanh, 1),
    "arcsin": (of_arb(arb.asin), 1), "arccos": (of_arb(arb.acos), 1), "arctan": (Ball.arctan, 1),
    "arctan2": (atan2, 2), "arcsinh": (asinh, 1), "arccosh": (of_arb(arb.acosh), 1), "arctanh": (of_arb(arb.atanh), 1),
    "floor": (Ball.floor, 1), "ceil": (ceil, 1), "trunc": (truncated, 1), "rint": (rounded, 1), "sign": (sign, 1),
    "fmod": (remainder, 2), "copysign": (with_sign, 2), "heaviside": (step, 2), "float_power": (pow, 2),
    "hypot": (lambda a, b: (a * a + b * b).sqrt(), 2),
    "logaddexp": (lambda a, b: (a.exp() + b.exp()).log(), 2),
    "logaddexp2": (lambda a, b: (a.exp2() + b.exp2()).log2(), 2),
    "erf": (Ball.erf, 1), "erfc": (Ball.erfc, 1), "erfinv": (of_arb(arb.erfinv), 1), "gammaln": (log_gamma, 1),
    "psi": (of_arb(arb.digamma), 1), "expit": (Ball.sigmoid, 1), "log_expit": (log_sigmoid, 1),
    "logit": (lambda p: (p / (1 - p)).log(), 1), "ndtr": (normal, 1), "log_ndtr": (lambda x: normal(x).log(), 1),
    "xlogy": (x_log_y, 2), "xlog1py": (lambda x, y: x_log_y(x, 1 + y), 2), "entr": (entropy, 1),
    "rel_entr": (relative_entropy, 2), "kl_div": (divergence, 2),
}  # fmt: skip
"""{name of an element-wise function of NumPy or SciPy: a function of balls, and of how many}."""
