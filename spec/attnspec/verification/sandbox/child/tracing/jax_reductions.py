"""JAX's primitives that reduce axes: sums, products of matrices, convolutions, windows and transforms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray, elementwise
from attnspec.interpreters.balls.ball import Untraceable, largest, least
from attnspec.interpreters.balls.fourier import FOURIER
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.jax_elements import is_balls
from attnspec.verification.sandbox.child.tracing.jax_moves import pad

Array = Any


def _dot(a: Array, b: Array, dimension_numbers: Any, **params: Any) -> Array:
    (over_a, over_b), (batch_a, batch_b) = dimension_numbers
    rows = [k for k in range(a.ndim) if k not in (*over_a, *batch_a)]
    columns = [k for k in range(b.ndim) if k not in (*over_b, *batch_b)]
    batch = [a.shape[k] for k in batch_a]
    summed = int(np.prod([a.shape[k] for k in over_a], dtype=int))
    left = np.transpose(a, (*batch_a, *rows, *over_a)).reshape(*batch, -1 if a.size else _count(a, rows), summed)
    right = np.transpose(b, (*batch_b, *over_b, *columns)).reshape(*batch, summed, -1 if b.size else _count(b, columns))
    shape = (*batch, *(a.shape[k] for k in rows), *(b.shape[k] for k in columns))
    found = of.product(left, right) if is_balls(a, b) else left @ right
    return found.reshape(shape)


def _count(array: Array, axes: Sequence[int]) -> int:
    return int(np.prod([array.shape[k] for k in axes], dtype=int))


def _sum(x: Array, axes: Any, **params: Any) -> Array:
    return of.total(x, tuple(axes)) if isinstance(x, BallArray) else np.sum(x, axis=tuple(axes), dtype=x.dtype)


def _reduced(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda x, axes, **params: function(x, axis=tuple(axes))


def _extreme(smallest: bool) -> Callable[..., Array]:
    def apply(x: Array, axes: Any, **params: Any) -> Array:
        if isinstance(x, BallArray):
            return of.extreme(x, tuple(axes), False, smallest)
        return (np.min if smallest else np.max)(x, axis=tuple(axes))

    return apply


def _cumulated(function: Any, of_integers: Any = None) -> Callable[..., Array]:
    def apply(x: Array, axis: int, reverse: bool, **params: Any) -> Array:
        chosen = function if isinstance(x, BallArray) else of_integers or function
        found = of.accumulated(chosen, np.flip(x, axis) if reverse else x, axis)
        return np.flip(found, axis) if reverse else found

    return apply


def _cumulated_logarithms(x: Array, **params: Any) -> Array:
    return np.log(_cumulated(np.add)(np.exp(x), **params))


def _windows(x: Array, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Array:
    """The windows of the last axes, along new last axes."""
    lead = x.ndim - len(sizes)
    spans = [max((size - 1) * step + 1, 0) for size, step in zip(sizes, dilations, strict=True)]
    found = np.lib.stride_tricks.sliding_window_view(of.plain(x), spans, tuple(range(lead, x.ndim)))
    every = (slice(None, None, step) for step in (*[1] * lead, *strides, *dilations))
    return found[tuple(every)]


def _windowed(reduce: Callable[..., Array], beyond: float) -> Callable[..., Array]:
    """The reduction of windows.

    Args:
        reduce: the reduction of axes.
        beyond: what stands around the array.
    """

    def apply(
        x: Array,
        window_dimensions: Any,
        window_strides: Any,
        padding: Any,
        base_dilation: Any,
        window_dilation: Any,
        **params: Any,
    ) -> Array:
        config = [(low, high, step - 1) for (low, high), step in zip(padding, base_dilation, strict=True)]
        around = pad(of.as_balls(x), of.filled((), beyond), config)
        windows = _windows(around, window_dimensions, window_strides, window_dilation)
        return reduce(windows.view(BallArray), tuple(range(x.ndim, windows.ndim)))

    return apply


def _convolved(
    x: Array,
    kernel: Array,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any,
    rhs_dilation: Any,
    dimension_numbers: Any,
    feature_group_count: int,
    batch_group_count: int,
    **params: Any,
) -> Array:
    """A convolution; of several groups each has its own features, or its own part of the batch."""
    config = [(low, high, step - 1) for (low, high), step in zip(padding, lhs_dilation, strict=True)]
    images = np.transpose(of.as_balls(x), dimension_numbers.lhs_spec)
    weights = np.transpose(of.as_balls(kernel), dimension_numbers.rhs_spec)
    around = pad(images, of.filled((), 0), [(0, 0, 0), (0, 0, 0), *config])
    windows = _windows(around, weights.shape[2:], window_strides, rhs_dilation)
    windows = np.moveaxis(windows, 1, images.ndim - 1)  # batch, places, features, places in the window
    groups = max(feature_group_count, batch_group_count)
    axis = 0 if batch_group_count > 1 else images.ndim - 1
    parts = []
    for part, own in zip(np.split(windows, groups, axis), np.split(weights, groups), strict=True):
        lead = part.shape[: images.ndim - 1]
        rows = part.reshape(math.prod(lead), math.prod(part.shape[images.ndim - 1 :]))
        parts.append(of.product(rows, own.reshape(len(own), rows.shape[1]).T).reshape(*lead, len(own)))
    found = np.moveaxis(np.concatenate(parts, -1), -1, 1)
    return np.transpose(found, np.argsort(dimension_numbers.out_spec))


def _fourier(x: Array, fft_type: Any, fft_lengths: Sequence[int], **params: Any) -> Array:
    if len(fft_lengths) != 1:
        raise Untraceable("a Fourier transform along several axes")
    return of.as_balls(FOURIER[getattr(fft_type, "name", str(fft_type)).lower()](of.plain(x), fft_lengths[0]))


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "dot_general": _dot,
    "conv_general_dilated": _convolved,
    "reduce_sum": _sum,
    "reduce_max": _extreme(False),
    "reduce_min": _extreme(True),
    "reduce_prod": _reduced(np.multiply.reduce),
    "reduce_and": _reduced(np.all),
    "reduce_or": _reduced(np.any),
    "reduce_xor": _reduced(np.bitwise_xor.reduce),
    "cumsum": _cumulated(np.add),
    "cumprod": _cumulated(np.multiply),
    "cummax": _cumulated(elementwise(largest, 2), np.maximum),
    "cummin": _cumulated(elementwise(least, 2), np.minimum),
    "cumlogsumexp": _cumulated_logarithms,
    "reduce_window_sum": _windowed(of.total, 0),
    "reduce_window_max": _windowed(lambda x, axes: of.extreme(x, axes, False), -math.inf),
    "reduce_window_min": _windowed(lambda x, axes: of.extreme(x, axes, False, True), math.inf),
    "fft": _fourier,
}
"""{name of the primitive: what it does on arrays of balls}."""
