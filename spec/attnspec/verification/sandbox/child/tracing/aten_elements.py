"""Operations of aten on single elements."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray
from attnspec.interpreters.balls.ball import Untraceable
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import (
    Array,
    floating,
    scaled,
    selected,
    straight,
    truths,
)


def _binary(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    """An operation on two operands, of which one or both may have whole numbers."""

    def apply(a: Any, b: Any, *, alpha: Any = 1, **options: Any) -> Array:
        if builtins.any(isinstance(each, BallArray | float) for each in (a, b)):
            a, b = floating(a), floating(b)
        return function(a, scaled(b, alpha))

    return apply


def _divide(a: Any, b: Any, *, rounding_mode: str | None = None) -> Array:
    rounded = {"floor": np.floor, "trunc": np.trunc}.get(rounding_mode or "")
    if rounded is not None and not builtins.any(isinstance(each, BallArray | float) for each in (a, b)):
        return a // b if rounding_mode == "floor" else np.trunc(a / b).astype(np.int64)
    quotient = floating(np.asarray(a) if isinstance(a, int) else a) / floating(b)
    return quotient if rounded is None else rounded(quotient)


def _rounded(x: Array, *, decimals: int = 0) -> Array:
    if decimals:
        raise Untraceable("a number is rounded to decimal places")
    return np.rint(x) if isinstance(x, BallArray) else x


def _compare(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda a, b: np.asarray(function(floating(a), floating(b))).astype(bool)


def _unary(function: Callable[[Any], Any]) -> Callable[..., Array]:
    return lambda x, *args, **options: function(floating(x))


def _power(a: Any, b: Any) -> Array:
    return (
        np.power(floating(np.asarray(a)) if isinstance(a, int) else floating(a), floating(b))
        if not isinstance(a, float)
        else floating(b).__rpow__(a)
    )


def _clamp(x: Array, low: Any = None, high: Any = None, **options: Any) -> Array:
    low, high = options.get("min", low), options.get("max", high)
    if not isinstance(x, BallArray):
        return np.clip(x, low, high)
    x = x if low is None else of.maximum(x, low)
    return x if high is None else of.minimum(x, high)


def _masked_fill(x: Array, mask: Array, value: Any) -> Array:
    return selected(np.asarray(mask), value, x)


def _gelu(x: Array, *, approximate: str = "none") -> Array:
    return of.gelu_tanh(x) if approximate == "tanh" else of.gelu(x)


def _softplus(x: Array, beta: Any = 1, threshold: Any = 20) -> Array:
    return straight(x * beta, threshold, x, of.softplus(x * beta) / beta)


def _xlogy(a: Any, b: Any) -> Array:
    a, b = floating(np.asarray(a) if isinstance(a, int) else a), floating(b)
    nought = np.asarray(a == 0).astype(bool)
    return selected(nought, 0, a * np.log(selected(nought, 1, b) if b.shape == a.shape else b))


def _nan_to_num(x: Array, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Array:
    if posinf is None and neginf is None and np.isinf(x).any():
        raise Untraceable("an infinity is replaced by the largest number of a format")
    return selected(np.isnan(x), nan or 0, x)


ELEMENTS: dict[str, Callable[..., Any]] = {
    "add": _binary(lambda a, b: a + b), "sub": _binary(lambda a, b: a - b), "mul": _binary(lambda a, b: a * b),
    "rsub": lambda a, b, alpha=1: floating(b) - scaled(floating(a), alpha) if isinstance(a, BallArray) else b - a,
    "div": _divide, "true_divide": _divide, "floor_divide": _binary(lambda a, b: a // b),
    "remainder": _binary(lambda a, b: a % b), "pow": _power, "maximum": of.maximum, "minimum": of.minimum,
    "addcmul": lambda x, a, b, value=1: x + scaled(a * b, value),
    "addcdiv": lambda x, a, b, value=1: x + scaled(a / b, value),
    "lerp": lambda a, b, weight: a + weight * (b - a),
    "eq": _compare(lambda a, b: a == b), "ne": _compare(lambda a, b: a != b), "lt": _compare(lambda a, b: a < b),
    "le": _compare(lambda a, b: a <= b), "gt": _compare(lambda a, b: a > b), "ge": _compare(lambda a, b: a >= b),
    "neg": lambda x: -x, "abs": _unary(np.abs), "exp": _unary(np.exp), "exp2": _unary(np.exp2),
    "expm1": _unary(np.expm1), "log": _unary(np.log), "log2": _unary(np.log2), "log10": _unary(np.log10),
    "log1p": _unary(np.log1p), "sqrt": _unary(np.sqrt), "rsqrt": _unary(of.rsqrt),
    "floor": _unary(np.floor), "ceil": _unary(np.ceil), "trunc": _unary(np.trunc), "round": _rounded,
    "sinh": _unary(np.sinh), "cosh": _unary(np.cosh), "asin": _unary(np.arcsin), "acos": _unary(np.arccos),
    "atan": _unary(np.arctan), "asinh": _unary(np.arcsinh), "acosh": _unary(np.arccosh), "atanh": _unary(np.arctanh),
    "fmod": _binary(np.fmod), "hypot": _binary(np.hypot), "copysign": _binary(np.copysign),
    "atan2": _binary(np.arctan2), "logaddexp2": _binary(np.logaddexp2), "heaviside": _binary(np.heaviside),
    "sin": _unary(np.sin),
    "cos": _unary(np.cos), "tan": _unary(np.tan), "tanh": _unary(np.tanh), "sigmoid": _unary(of.sigmoid),
    "reciprocal": _unary(lambda x: 1 / x), "square": _unary(lambda x: x * x), "relu": _unary(of.relu),
    "erf": _unary(of.erf), "erfc": _unary(of.erfc), "sign": _unary(of.sign), "sgn": _unary(of.sign),
    "silu": _unary(of.silu), "softplus": _softplus, "gelu": _gelu,
    "log_sigmoid_forward": lambda x: (-of.softplus(-x), None),
    "clamp": _clamp, "clamp_min": _clamp, "clamp_max": lambda x, high: _clamp(x, None, high),
    "hardtanh": lambda x, low=-1, high=1: _clamp(x, low, high),
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
    "isneginf": lambda x: np.asarray(x == -math.inf).astype(bool),
    "isposinf": lambda x: np.asarray(x == math.inf).astype(bool),
    "logical_not": lambda x: ~truths(x).astype(bool), "bitwise_not": lambda x: ~x,
    "logical_and": lambda a, b: truths(a).astype(bool) & truths(b).astype(bool),
    "logical_or": lambda a, b: truths(a).astype(bool) | truths(b).astype(bool),
    "bitwise_and": lambda a, b: a & b, "bitwise_or": lambda a, b: a | b,
    "where": selected, "masked_fill": _masked_fill,
    "xlogy": _xlogy, "nan_to_num": _nan_to_num,
    "logaddexp": lambda a, b: np.logaddexp(a, b),
}  # fmt: skip
