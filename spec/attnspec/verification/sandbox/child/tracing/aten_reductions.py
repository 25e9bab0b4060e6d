"""Products, reductions and sorting of aten."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray
from attnspec.interpreters.balls.ball import Undecided, number
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import (
    Array,
    dtype_kind,
    floating,
    indexed,
    is_array,
    nll_shares,
    scaled,
    selected,
    truths,
)


def _addmm(base: Array, a: Array, b: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    return scaled(base, beta) + scaled(of.product(a, b), alpha) if beta != 0 else scaled(of.product(a, b), alpha)


def _dot(a: Array, b: Array) -> Array:
    return of.total(a * b)


def _vector(a: Array, b: Array) -> Array:
    return of.product(a, b[:, None])[..., 0]


def _sum(x: Array, axes: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    if not isinstance(x, BallArray) and dtype_kind(dtype or "int") != "f":
        return np.asarray(np.sum(x, axis=tuple(axes) if axes else None, keepdims=keepdim))
    return of.total(floating(x), axes, keepdim)


def _mean(x: Array, axes: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    return of.mean(floating(x), axes or None, keepdim)


def _var(x: Array, axes: Any = None, unbiased: Any = True, keepdim: bool = False, *, correction: Any = None) -> Array:
    correction = (1 if unbiased else 0) if correction is None else correction
    return of.variance(x, axes or None, correction, keepdim)


def _var_mean(
    x: Array, axes: Any = None, unbiased: Any = True, keepdim: bool = False, **how: Any
) -> tuple[Array, Array]:
    return _var(x, axes, unbiased, keepdim, **how), _mean(x, axes, keepdim)


def _extreme(smallest: bool) -> Callable[..., Array]:
    def apply(x: Array, axes: Any = None, keepdim: bool = False) -> Array:
        if not isinstance(x, BallArray):
            return (np.min if smallest else np.max)(x, axis=axes if axes != [] else None, keepdims=keepdim)
        return of.extreme(x, axes if axes != [] else None, keepdim, smallest)

    return apply


def _extreme_and_place(smallest: bool) -> Callable[..., Any]:
    def apply(x: Array, axis: Any = None, keepdim: bool = False) -> Any:
        if axis is None:
            return _extreme(smallest)(x)
        if is_array(axis):
            return (of.minimum if smallest else of.maximum)(x, axis)
        return _extreme(smallest)(x, axis, keepdim), _place(smallest)(x, axis, keepdim)

    return apply


def _place(smallest: bool) -> Callable[..., Array]:
    def apply(x: Array, axis: Any = None, keepdim: bool = False) -> Array:
        if isinstance(x, BallArray) and np.isnan(x).any():
            raise Undecided("the place of an extreme beside NaN")
        found = (np.argmin if smallest else np.argmax)(of.plain(x), axis=axis)
        return np.expand_dims(found, axis) if keepdim and axis is not None else np.asarray(found)

    return apply


def _softmax(x: Array, axis: int, half_to_float: Any = None, dtype: Any = None) -> Array:
    return of.softmax(floating(x), axis)


def _log_softmax(x: Array, axis: int, half_to_float: Any = None, dtype: Any = None) -> Array:
    return of.log_softmax(floating(x), axis)


def _safe_softmax(x: Array, axis: int, dtype: Any = None) -> Array:
    hidden = np.asarray(x == -math.inf).astype(bool).all(axis=axis, keepdims=True)
    return np.where(hidden, of.filled((), 0), of.softmax(selected(hidden, of.filled((), 0), x), axis))


def _layer_norm(x: Array, shape: Sequence[int], weight: Any, bias: Any, eps: float) -> tuple[Array, Array, Array]:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    middle = of.mean(x, axes, True)
    scale = of.rsqrt(of.variance(x, axes, 0, True) + number(eps))
    result = (x - middle) * scale
    result = result if weight is None else result * weight
    return (result if bias is None else result + bias), middle, scale


def _accumulated(function: np.ufunc) -> Callable[..., Array]:
    return lambda x, axis, *, dtype=None: of.accumulated(function, x, axis)


def _cumulated_logarithms(x: Array, axis: int) -> Array:
    return np.logaddexp.accumulate(x, axis=axis)


def _linear_logsumexp(x: Array, axes: Any, keepdim: bool = False) -> Array:
    largest_one = of.extreme(x, axes, True)
    shift = selected(np.isinf(largest_one), 0, largest_one)
    found = np.log(of.total(np.exp(x - shift), axes, True)) + shift
    return found if keepdim else np.squeeze(found, axis=tuple(axes) if isinstance(axes, list) else axes)


def _nll_loss(x: Array, target: Array, weight: Any, reduction: int, ignored: int) -> tuple[Array, Array]:
    rows, labels = (x[None], target[None]) if x.ndim == 1 else (x, target)
    shares = nll_shares(labels, weight, ignored)
    picked = -indexed(rows, [np.arange(len(rows)), np.where(labels != ignored, labels, 0)])
    losses = selected(labels != ignored, picked * shares, 0)
    if reduction == 0:
        return losses.reshape(target.shape), of.filled((), 0)
    whole, counted = of.total(losses), of.total(shares)
    return (whole / counted if reduction == 1 else whole), counted


def _norm(x: Array, order: Any = 2, axes: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Array:
    if order == 2:
        return np.sqrt(of.total(x * x, axes, keepdim))
    sizes = np.abs(x)
    if order == 0:
        return of.total(np.asarray(x != 0).astype(bool), axes, keepdim)
    if math.isinf(order):
        return of.extreme(sizes, axes, keepdim, order < 0)
    return of.total(sizes ** number(order), axes, keepdim) ** (1 / number(order))


def _any(x: Array, axes: Any = None, keepdim: bool = False) -> Array:
    return np.asarray(np.any(truths(x), axis=tuple(axes) if isinstance(axes, list) else axes, keepdims=keepdim))


def _all(x: Array, axes: Any = None, keepdim: bool = False) -> Array:
    return np.asarray(np.all(truths(x), axis=tuple(axes) if isinstance(axes, list) else axes, keepdims=keepdim))


def _trilinear(
    a: Array, b: Array, c: Array, for_a: Any, for_b: Any, for_c: Any, axes: Any, unroll_dim: int = 1
) -> Array:
    """The sum over axes of the product of three arrays, each with axes of size 1 inserted."""
    wide = [np.expand_dims(x, tuple(at)) for x, at in ((a, for_a), (b, for_b), (c, for_c))]
    return of.total(wide[0] * wide[1] * wide[2], tuple(axes))


def _binary_cross_entropy(
    x: Array, target: Array, weight: Any = None, pos_weight: Any = None, reduction: int = 1
) -> Array:
    """(1 − t) x + ln(1 + e^−x), where positive targets may weigh more; each, their mean or their sum."""
    losses = (1 - floating(target)) * x + _positive(target, pos_weight) * of.softplus(-x)
    losses = losses if weight is None else losses * weight
    return losses if reduction == 0 else of.mean(losses) if reduction == 1 else of.total(losses)


def _positive(target: Array, pos_weight: Any) -> Any:
    return 1 if pos_weight is None else 1 + (pos_weight - 1) * floating(target)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "mm": of.product, "bmm": of.product, "addmm": _addmm, "baddbmm": _addmm, "mv": _vector,
    "dot": _dot, "vdot": lambda a, b: _dot(np.conjugate(a), b),
    "addmv": lambda x, a, b, **how: _addmm(x[:, None], a, b[:, None], **how)[:, 0],
    "sum": _sum, "mean": _mean, "var": _var, "var_mean": _var_mean,
    "std": lambda *args, **options: np.sqrt(_var(*args, **options)),
    "amax": _extreme(False), "amin": _extreme(True), "max": _extreme_and_place(False), "min": _extreme_and_place(True),
    "argmax": _place(False), "argmin": _place(True), "any": _any, "all": _all, "cumsum": _accumulated(np.add),
    "cumprod": _accumulated(np.multiply), "logcumsumexp": _cumulated_logarithms,
    "prod": lambda x, axis=None, keepdim=False, **how: np.multiply.reduce(x, axis=axis, keepdims=keepdim),
    "logsumexp": _linear_logsumexp, "linalg_vector_norm": _norm, "_softmax": _softmax, "_log_softmax": _log_softmax,
    "_safe_softmax": _safe_softmax, "native_layer_norm": _layer_norm, "nll_loss_forward": _nll_loss,
    "aminmax": lambda x, dim=None, keepdim=False: (_extreme(True)(x, dim, keepdim), _extreme(False)(x, dim, keepdim)),
    "_trilinear": _trilinear, "binary_cross_entropy_with_logits": _binary_cross_entropy,
}  # fmt: skip
