"""JAX's primitives that compute each element by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import FLOATS, BallArray, elementwise, exactly
from attnspec.interpreters.balls.ball import Untraceable, number
from attnspec.interpreters.balls.complex_ball import of_parts
from attnspec.interpreters.balls.elementary import FUNCTIONS
from attnspec.interpreters.balls.fourier import conjugate
from attnspec.verification.sandbox.child.tracing import functions as of

Array = Any


def _binary(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda a, b, **params: function(a, b)


def _unary(function: Callable[[Any], Any]) -> Callable[..., Array]:
    return lambda x, **params: function(x)


def _named(name: str) -> Callable[..., Array]:
    """A function of balls by the name that NumPy or SciPy has for it."""
    function, operands = FUNCTIONS[name]
    apply = of.mapped(function, operands)
    return lambda *arrays, **params: apply(*arrays)


def _same(x: Array, **params: Any) -> Array:
    return x


def _all_same(*arrays: Array, **params: Any) -> list[Array]:
    return [*arrays]


def is_balls(*arrays: Array) -> bool:
    """Whether one of the operands has balls."""
    return any(isinstance(each, BallArray) for each in arrays)


def _larger(smallest: bool) -> Callable[..., Array]:
    def apply(a: Array, b: Array, **params: Any) -> Array:
        if is_balls(a, b):
            return (of.minimum if smallest else of.maximum)(a, b)
        return (np.minimum if smallest else np.maximum)(a, b)

    return apply


def _test(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda a, b, **params: np.asarray(function(a, b)).astype(bool)


def _ranked(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    """A comparison in the total order of a format, in which NaN is last and −0 is before 0, which balls do not tell."""

    def apply(a: Any, b: Any) -> Any:
        if a.is_nan() or b.is_nan() or (a == b and a == 0):
            raise Untraceable("NaN or two zeros are put in order")
        return function(a, b)

    of_balls = elementwise(lambda a, b: apply(number(a), number(b)), 2)
    return _test(lambda a, b: (of_balls if is_balls(a, b) else function)(of.plain(a), of.plain(b)))


def _select(which: Array, *cases: Array, **params: Any) -> Array:
    number = np.asarray(which).astype(int)
    balls = is_balls(*cases)
    parts = [of.plain(of.as_balls(each)) if balls else each for each in cases]
    result = parts[0]
    for k, case in enumerate(parts[1:], 1):
        result = np.where(number == k, case, result)
    return result.view(BallArray) if balls else result


def _convert(x: Array, new_dtype: Any, **params: Any) -> Array:
    """A cast; one to integers cuts what is behind the point."""
    name = str(new_dtype)
    if name in FLOATS:
        return x if isinstance(x, BallArray) else exactly(x)
    if isinstance(x, BallArray) and np.dtype(name).kind in "iu":
        return of.truncated(x).astype(np.dtype(name))
    return x.astype(np.dtype(name))


def _clamp(low: Array, x: Array, high: Array, **params: Any) -> Array:
    return of.minimum(of.maximum(x, low), high) if isinstance(x, BallArray) else np.clip(x, low, high)


def _quotient(a: Array, b: Array) -> Array:
    """The quotient of integers, without its fraction."""
    if not np.all(b):
        raise Untraceable("an integer is divided by 0")
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))


def _divide(a: Array, b: Array, **params: Any) -> Array:
    return a / b if is_balls(a, b) else _quotient(a, b)


def _remainder(a: Array, b: Array, **params: Any) -> Array:
    """What is left of a division, with the sign of what is divided."""
    return a - of.truncated(a / b) * b if is_balls(a, b) else a - _quotient(a, b) * b


def _round(x: Array, rounding_method: Any, **params: Any) -> Array:
    return np.rint(x) if rounding_method.name == "TO_NEAREST_EVEN" else of.rounded_away(x)


ELEMENTS: dict[str, Callable[..., Any]] = {
    "add": _binary(lambda a, b: a + b), "add_any": _binary(lambda a, b: a + b), "sub": _binary(lambda a, b: a - b),
    "mul": _binary(lambda a, b: a * b), "div": _divide, "rem": _remainder, "pow": _binary(np.power),
    "integer_pow": lambda x, y, **params: np.power(x, y), "square": _unary(lambda x: x * x),
    "neg": _unary(lambda x: -x), "abs": _unary(np.abs), "exp": _unary(np.exp), "round": _round,
    "rsqrt": _unary(of.rsqrt),
    **{name: _named(name) for name in ("sign", "floor", "ceil", "exp2", "expm1", "log", "log1p", "sqrt", "cbrt",
                                       "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "erfc")},
    **{name: _named(own) for name, own in {
        "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
        "acosh": "arccosh", "atanh": "arctanh", "logistic": "expit", "erf_inv": "erfinv", "lgamma": "gammaln",
        "digamma": "psi",
    }.items()},
    "max": _larger(False), "min": _larger(True), "clamp": _clamp,
    "eq": _test(lambda a, b: a == b), "ne": _test(lambda a, b: a != b), "lt": _test(lambda a, b: a < b),
    "le": _test(lambda a, b: a <= b), "gt": _test(lambda a, b: a > b), "ge": _test(lambda a, b: a >= b),
    "eq_to": _ranked(lambda a, b: a == b), "lt_to": _ranked(lambda a, b: a < b), "le_to": _ranked(lambda a, b: a <= b),
    "and": _binary(lambda a, b: a & b), "or": _binary(lambda a, b: a | b), "xor": _binary(lambda a, b: a ^ b),
    "not": _unary(lambda x: ~x), "is_finite": _unary(np.isfinite), "select_n": _select,
    "convert_element_type": _convert, "reduce_precision": _same, "stop_gradient": _same, "copy": _same,
    "copy_p": _same, "name": _same, "sharding_constraint": _same,
    "device_put": _all_same, "optimization_barrier": _all_same,
    "real": _unary(lambda x: x.real), "imag": _unary(lambda x: x.imag),
    "conj": _unary(lambda x: of.as_balls(conjugate(of.plain(x)))),
    "complex": _binary(lambda a, b: of.as_balls(np.frompyfunc(of_parts, 2, 1)(of.plain(a), of.plain(b)))),
}  # fmt: skip
"""{name of the primitive: what it does on arrays of balls}; to a format is no step, since none rounds."""
