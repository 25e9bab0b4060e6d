"""Operations of aten that sort, search and count up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray
from attnspec.interpreters.balls.ball import Undecided, largest, least
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import Array, floating, key_at, with_indexed


def in_order(x: Array, axis: int = -1, descending: bool = False) -> tuple[Array, Array]:
    """The elements in order along an axis, equal ones as they stand, and their places."""
    if not x.ndim:
        return x, np.asarray(0)
    order = np.argsort(of.plain(-x if descending else x), axis=axis, kind="stable")
    found = np.take_along_axis(of.plain(x), order, axis)
    return (of.as_balls(found) if isinstance(x, BallArray) else found), order


def _sort(
    x: Array, axis: Any = -1, descending: bool = False, stable: Any = None, dim: Any = None
) -> tuple[Array, Array]:
    axis = axis if dim is None else dim
    if axis is True or axis is False:  # sort.stable takes `stable` first
        axis = -1
    return in_order(x, axis, descending)


def _largest(x: Array, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Array, Array]:
    """The k largest or smallest; of equal ones it is not said which come first."""
    values, places = in_order(x, axis, largest)
    if not x.ndim:
        return values, places
    rows = np.moveaxis(of.plain(values), axis, 0)[: k + 1]
    if np.asarray(rows[1:] == rows[:-1]).astype(bool).any():
        raise Undecided("the places of equal numbers")
    first, second = (each[key_at(axis, slice(k), each)] for each in (values, places))
    return first, second


def _cumulated_extreme(smallest: bool) -> Callable[..., tuple[Array, Array]]:
    """The extreme of the elements up to each along an axis, and the last place that has it."""

    def apply(x: Array, axis: int) -> tuple[Array, Array]:
        rows = np.moveaxis(of.plain(x), axis, 0)
        values, places = rows.copy(), np.zeros(rows.shape, np.int64)
        for k in range(1, len(rows)):
            for at in np.ndindex(rows.shape[1:]):
                before, here = values[(k - 1, *at)], rows[(k, *at)]
                taken = bool(here <= before if smallest else here >= before)
                values[(k, *at)], places[(k, *at)] = (here, k) if taken else (before, places[(k - 1, *at)])
        values = np.moveaxis(values, 0, axis)
        return (of.as_balls(values) if isinstance(x, BallArray) else values), np.moveaxis(places, 0, axis)

    return apply


def _searched(
    rows: Array, x: Any, *, out_int32: bool = False, right: bool = False, side: Any = None, sorter: Any = None
) -> Array:
    """How many elements of each row are smaller, or not larger if so wanted."""
    rows = rows if sorter is None else np.take_along_axis(of.plain(rows), sorter, -1)
    one, other = of.plain(floating(rows)), of.plain(floating(np.asarray(x)))
    one = one[..., None, :] if one.ndim > 1 else one
    before = one <= other[..., None] if right or side == "right" else one < other[..., None]
    return np.asarray(np.asarray(before).astype(bool).sum(axis=-1))


def _kth(x: Array, k: int, axis: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    values, places = (np.take(of.plain(each), k - 1, axis) for each in in_order(x, axis))
    if keepdim:
        values, places = np.expand_dims(values, axis), np.expand_dims(places, axis)
    return (of.as_balls(values) if isinstance(x, BallArray) else values), places


def _median(x: Array, axis: Any = None, keepdim: bool = False) -> Any:
    """The middle element; of an even number the smaller of the two."""
    if axis is None:
        return _kth(x.reshape(-1), (x.size + 1) // 2)[0]
    return _kth(x, (x.shape[axis] + 1) // 2, axis, keepdim)


COMBINED: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda a, b: a + b, "prod": lambda a, b: a * b, "amax": largest, "amin": least,
}  # fmt: skip
"""{reduction of a scatter: of two numbers}."""


def _scatter_reduced(
    x: Array, axis: int, index: Array, values: Array, reduce: str, *, include_self: bool = True
) -> Array:
    """Elements put to places along an axis, each combined with what is there; a mean is their sum by their number."""
    found, counts = of.plain(x).copy(), np.full(x.shape, int(include_self))
    combine = COMBINED["sum" if reduce == "mean" else reduce]
    before = axis % x.ndim
    for at in np.ndindex(index.shape):
        place = (*at[:before], int(index[at]), *at[before + 1 :])
        found[place] = combine(found[place], values[at].item()) if counts[place] else values[at].item()
        counts[place] += 1
    if reduce == "mean":
        found = np.asarray(found / np.maximum(counts, 1))
    return found.view(BallArray) if isinstance(x, BallArray) else found


def _counted(x: Array, weights: Any = None, minlength: int = 0) -> Array:
    length = max(int(np.max(x, initial=-1)) + 1, minlength)
    if weights is None:
        return np.bincount(x, minlength=minlength)
    return with_indexed(of.filled((length,), 0), [x], weights, True)


def _repeats(repeats: Array, *, output_size: Any = None) -> Array:
    return np.repeat(np.arange(len(repeats)), repeats)


SORTING: dict[str, Callable[..., Any]] = {
    "sort": _sort, "topk": _largest, "cummax": _cumulated_extreme(False), "cummin": _cumulated_extreme(True),
    "searchsorted": _searched, "bucketize": lambda x, edges, **how: _searched(edges, x, **how),
    "kthvalue": _kth, "median": _median, "scatter_reduce": _scatter_reduced, "bincount": _counted,
    "repeat_interleave": _repeats,
}  # fmt: skip
"""{name of the operation: what it does on arrays of balls}."""
