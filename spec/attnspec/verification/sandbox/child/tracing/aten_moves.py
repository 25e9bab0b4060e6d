"""Operations of aten that move elements."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray, exactly
from attnspec.interpreters.balls.ball import Untraceable
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import (
    Array,
    as_type_of,
    dtype_kind,
    indexed,
    is_array,
    key_at,
    numpy_dtype,
    scaled,
    selected,
    truths,
    with_diagonal,
    with_indexed,
)


def _view(x: Array, shape: Any) -> Array:
    return np.reshape(x, tuple(shape)) if isinstance(shape, list | tuple) else x


def _expand(x: Array, shape: Sequence[int], implicit: bool = False) -> Array:
    own = (1,) * (len(shape) - x.ndim) + x.shape
    wanted = tuple(own[k] if size == -1 else size for k, size in enumerate(shape))
    if int(np.prod(wanted)) == x.size:  # a view that may be written into
        return x.reshape(wanted)
    return np.broadcast_to(x, wanted, subok=True)


def _squeeze(x: Array, axes: Any = None) -> Array:
    chosen = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    ones = tuple(axis for axis in chosen if x.ndim and x.shape[axis] == 1)
    return np.squeeze(x, axis=ones)


def _select(x: Array, axis: int, index: int) -> Array:
    found = of.plain(x)[(*key_at(axis, index, x), ...)]  # the ellipsis keeps a view, also of one element
    return found.view(BallArray) if isinstance(x, BallArray) else found


def _slice(x: Array, axis: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Array:
    return x[key_at(axis, slice(start, end, step), x)]


def _split(x: Array, size: Any, axis: int = 0) -> list[Array]:
    sizes = size if isinstance(size, list | tuple) else [size] * math.ceil(x.shape[axis] / size if size else 1)
    ends = np.cumsum([0, *sizes])
    return [_slice(x, axis, int(a), int(b)) for a, b in pairwise(ends)]


def _unbind(x: Array, axis: int = 0) -> list[Array]:
    return [_select(x, axis, k) for k in range(x.shape[axis])]


def _copy(x: Array, *, dtype: Any = None) -> Array:
    if dtype is None or (isinstance(x, BallArray) and dtype_kind(dtype) == "f"):
        return x.copy()
    return exactly(x) if dtype_kind(dtype) == "f" else x.astype(numpy_dtype(dtype))


def _cat(parts: Sequence[Array], axis: int = 0) -> Array:
    return _joined(np.concatenate, [part for part in parts if part.shape != (0,)] or parts, axis)


def _stack(parts: Sequence[Array], axis: int = 0) -> Array:
    return _joined(np.stack, parts, axis)


def _joined(join: Callable[..., Any], parts: Sequence[Array], axis: int) -> Array:
    if builtins.any(isinstance(part, BallArray) for part in parts):
        return of.as_balls(join([of.plain(of.as_balls(part)) for part in parts], axis=axis))
    return join(parts, axis=axis)


def _along(x: Array, axis: int, index: Array) -> tuple[Any, ...]:
    places = list(np.indices(index.shape, sparse=True))
    places[axis] = index
    return tuple(places)


def _gather(x: Array, axis: int, index: Array, sparse_grad: bool = False) -> Array:
    return indexed(x, _along(x, axis, index))


def _scatter(x: Array, axis: int, index: Array, values: Any, reduce: Any = None) -> Array:
    if reduce is not None:
        raise Untraceable("a scatter with a reduction")
    if is_array(values):
        values = values[tuple(map(slice, index.shape))]
    return with_indexed(x, _along(x, axis, index), values)


def _scatter_add(x: Array, axis: int, index: Array, values: Array) -> Array:
    return with_indexed(x, _along(x, axis, index), values[tuple(map(slice, index.shape))], True)


def _index_copy(x: Array, axis: int, index: Array, source: Array) -> Array:
    return with_indexed(x, key_at(axis, index, x), source)


def _index_add(x: Array, axis: int, index: Array, source: Array, alpha: Any = 1) -> Array:
    return with_indexed(x, key_at(axis, index, x), scaled(source, alpha), True)


def _nonzero(x: Array) -> Array:
    return np.argwhere(truths(x))


def _masked_select(x: Array, mask: Array) -> Array:
    rows, shown = np.broadcast_arrays(of.plain(x), mask)
    return of.as_balls(rows[shown]) if isinstance(x, BallArray) else rows[shown]


def _masked_scatter(x: Array, mask: Array, source: Array) -> Array:
    shown = np.broadcast_to(mask, x.shape)
    return with_indexed(x, [shown], source.reshape(-1)[: int(shown.sum())])


def _embedding(weight: Array, index: Array, *rest: Any) -> Array:
    return indexed(weight, [index])


def _triangle(function: Callable[..., Any], outside: int) -> Callable[..., Array]:
    def apply(x: Array, diagonal: int = 0) -> Array:
        shown = function(np.ones(x.shape[-2:], bool), diagonal)
        return selected(shown, x, 0) if isinstance(x, BallArray) else np.where(shown, x, np.zeros((), x.dtype))

    return apply


def _pad(x: Array, widths: Sequence[int], value: Any = 0) -> Array:
    pairs = [(0, 0)] * x.ndim
    for k in range(len(widths) // 2):
        pairs[-1 - k] = (widths[2 * k], widths[2 * k + 1])
    kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True))
    x, pairs = x[kept], [(max(a, 0), max(b, 0)) for a, b in pairs]  # a negative width cuts off
    result = of.filled([n + a + b for n, (a, b) in zip(x.shape, pairs, strict=True)], value)
    of.plain(result)[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, pairs, strict=True))] = of.plain(x)
    return result


def _diagonal(x: Array, offset: int = 0, first: int = 0, second: int = 1) -> Array:
    found = np.diagonal(x, offset, first, second)
    found.flags.writeable = x.flags.writeable  # which NumPy does not leave so
    return found


def _unfold(x: Array, axis: int, size: int, step: int) -> Array:
    starts = range(0, x.shape[axis] - size + 1, step)
    windows = [np.moveaxis(_slice(x, axis, start, start + size), axis, -1) for start in starts]
    return _joined(np.stack, windows, axis % x.ndim)


def _filling(value: Any) -> Array:
    return of.filled((), value) if isinstance(value, float) else np.asarray(value)


MOVES: dict[str, Callable[..., Any]] = {
    "view": _view, "_unsafe_view": _view, "reshape": _view, "_reshape_alias": lambda x, shape, strides: _view(x, shape),
    "expand": _expand, "permute": lambda x, axes: np.transpose(x, axes), "t": lambda x: x.T,
    "transpose": lambda x, a, b: np.swapaxes(x, a, b) if x.ndim else x, "select": _select, "slice": _slice,
    "squeeze": _squeeze, "unsqueeze": lambda x, axis: np.expand_dims(x, axis if axis >= 0 else x.ndim + 1 + axis),
    "split": _split, "split_with_sizes": _split, "unbind": _unbind, "alias": lambda x: x[...],
    "detach": lambda x: x[...],
    "unsafe_split": _split, "unsafe_split_with_sizes": _split, "diagonal": _diagonal,
    "clone": _copy, "_to_copy": _copy, "lift_fresh": lambda x: x, "lift_fresh_copy": _copy, "contiguous": _copy,
    "cat": _cat, "stack": _stack, "flip": lambda x, axes: np.flip(x, tuple(axes)),
    "roll": lambda x, shifts, axes=(): np.roll(x, tuple(shifts), tuple(axes) or None),
    "repeat": lambda x, times: np.tile(x, tuple(times)), "constant_pad_nd": _pad,
    "tril": _triangle(np.tril, 0), "triu": _triangle(np.triu, 0),
    "index": indexed, "index_put": with_indexed, "_unsafe_index": indexed, "_unsafe_index_put": with_indexed,
    "index_select": lambda x, axis, index: np.take(x, index, axis), "gather": _gather, "scatter": _scatter,
    "scatter_add": _scatter_add, "index_copy": _index_copy, "index_add": _index_add, "nonzero": _nonzero,
    "embedding": _embedding, "masked_select": _masked_select, "masked_scatter": _masked_scatter,
    "diagonal_scatter": with_diagonal,
    "copy": lambda x, source, non_blocking=False: _expand(as_type_of(x, source), x.shape),
    "fill": lambda x, value: _expand(as_type_of(x, _filling(value)), x.shape),
    "zero": lambda x: np.zeros_like(x) if not isinstance(x, BallArray) else of.filled(x.shape, 0),
    "unfold": _unfold,
}  # fmt: skip
