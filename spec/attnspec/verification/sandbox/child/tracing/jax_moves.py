"""JAX's primitives that move elements, read them at places and write them there."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import FLOATS, BallArray, elementwise, exactly
from attnspec.interpreters.balls.ball import Untraceable, largest, least
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.jax_elements import is_balls

Array = Any


def like(found: Array, x: Array) -> Array:
    """Elements of an array, as the kind of array that it is."""
    return found.view(BallArray) if isinstance(x, BallArray) else found


def _reshape(x: Array, new_sizes: Any, dimensions: Any = None, **params: Any) -> Array:
    return np.reshape(x if dimensions is None else np.transpose(x, dimensions), new_sizes)


def _broadcast(x: Array, shape: Any, broadcast_dimensions: Any, **params: Any) -> Array:
    sizes = [1] * len(shape)
    for axis, target in enumerate(broadcast_dimensions):
        sizes[target] = x.shape[axis]
    return np.broadcast_to(np.reshape(x, sizes), shape, subok=True)


def _of_one_kind(function: Callable[..., Array]) -> Callable[..., Array]:
    """A function of a sequence of arrays, of which all or none have balls."""

    def apply(*parts: Array, **params: Any) -> Array:
        if not is_balls(*parts):
            return function(parts, **params)
        return function([of.plain(of.as_balls(each)) for each in parts], **params).view(BallArray)

    return apply


def _slice(x: Array, start_indices: Any, limit_indices: Any, strides: Any, **params: Any) -> Array:
    steps = strides or (1,) * x.ndim
    return like(of.plain(x)[tuple(map(slice, start_indices, limit_indices, steps))], x)


def _update(x: Array, part: Array, *starts: Array, **params: Any) -> Array:
    begin = [min(max(int(start), 0), size - own) for start, size, own in zip(starts, x.shape, part.shape, strict=True)]
    result = of.plain(x).copy()
    result[tuple(slice(a, a + own) for a, own in zip(begin, part.shape, strict=True))] = of.plain(part)
    return like(result, x)


def pad(x: Array, value: Any, padding_config: Sequence[tuple[int, int, int]], **params: Any) -> Array:
    """An array with a value around it and between its elements; a negative width cuts elements off.

    Args:
        x: the array.
        value: what is written elsewhere.
        padding_config: how many elements before, behind and between those of each axis.
    """
    own, kept, sizes = [], [], []
    for size, (low, high, inner) in zip(x.shape, padding_config, strict=True):
        places = low + np.arange(size) * (inner + 1)
        sizes.append(max(low + size + max(size - 1, 0) * inner + high, 0))
        inside = (places >= 0) & (places < sizes[-1])
        own.append(np.flatnonzero(inside))
        kept.append(places[inside])
    result = np.empty(sizes, of.plain(x).dtype)
    result[...] = of.plain(value)
    result[np.ix_(*kept)] = of.plain(x)[np.ix_(*own)]
    return like(result, x)


def _split(x: Array, sizes: Any, axis: int, **params: Any) -> list[Array]:
    return list(np.split(x, np.cumsum(sizes)[:-1], axis))


def _unstack(x: Array, axis: int, **params: Any) -> list[Array]:
    return [like(row, x) for row in np.moveaxis(of.plain(x), axis, 0)[:, ...]]


def _iota(dtype: Any, shape: Any, dimension: int, **params: Any) -> Array:
    sizes = [-1 if k == dimension else 1 for k in range(len(shape))]
    found = np.broadcast_to(np.arange(shape[dimension]).reshape(sizes), shape)
    return exactly(found) if str(dtype) in FLOATS else found.astype(np.dtype(str(dtype)))


MOVES: dict[str, Callable[..., Any]] = {
    "transpose": lambda x, permutation, **params: np.transpose(x, permutation),
    "reshape": _reshape,
    "broadcast_in_dim": _broadcast,
    "squeeze": lambda x, dimensions, **params: np.squeeze(x, axis=tuple(dimensions)),
    "expand_dims": lambda x, dimensions, **params: np.expand_dims(x, tuple(dimensions)),
    "rev": lambda x, dimensions, **params: np.flip(x, tuple(dimensions)),
    "tile": lambda x, reps, **params: np.tile(x, reps),
    "concatenate": _of_one_kind(lambda parts, dimension, **params: np.concatenate(parts, axis=dimension)),
    "stack": _of_one_kind(lambda parts, axis, **params: np.stack(parts, axis=axis)),
    "unstack": _unstack,
    "slice": _slice,
    "dynamic_update_slice": _update,
    "pad": pad,
    "split": _split,
    "iota": _iota,
}
"""{name of the primitive: what it does on arrays of balls}."""


def _places(array: Array) -> Array:
    """The place of each element, which JAX can move instead."""
    return np.arange(array.size, dtype=np.int32).reshape(array.shape)


def _read(primitive: Any, params: Any, array: Array, *where: Array) -> Array:
    """What only reads elements is done by JAX, on their places; beyond the end of the array stands another number."""
    beyond = params.get("fill_value")
    params = {**params, "fill_value": -1} if "fill_value" in params else params
    found = np.asarray(primitive.bind(_places(array), *where, **params))
    outside = found < 0
    if outside.any() and beyond is None and not isinstance(array, BallArray):
        raise Untraceable("it reads an integer beyond the end of an array")
    if outside.all():
        return np.broadcast_to(of.filled((), math.nan if beyond is None else beyond), found.shape, subok=True)
    result = of.plain(array).ravel()[found]
    if outside.any():
        result[outside] = of.filled((), math.nan).item() if beyond is None else of.filled((), beyond).item()
    return like(result, array)


def _write(name: str, function: Any, of_integers: Any) -> Callable[..., Array]:
    """What writes elements: JAX says to which place each goes, by reading the places in the same way.

    Args:
        name: the primitive.
        function: what combines an element with what is written; None if that replaces it.
        of_integers: the same of integers.
    """

    def apply(primitive: Any, params: Any, array: Array, where: Array, updates: Array) -> Array:
        places = _written(params, array, where, updates)
        kept = places >= 0
        unique = len(np.unique(places[kept])) == kept.sum()
        if not kept.all() and params["mode"].name == "PROMISE_IN_BOUNDS":
            raise Untraceable("it writes beyond the end of an array")
        if not unique and (function is None or params["unique_indices"]):
            raise Untraceable(f"{name} writes an element twice, in no order")
        if function is None and not _replaces(params["update_jaxpr"]):
            raise Untraceable("a function is applied to elements at places")
        result = of.plain(array).ravel().copy()
        combine = function if isinstance(array, BallArray) else of_integers
        if combine is None:
            result[places[kept]] = of.plain(updates)[kept]
        else:
            combine.at(result, places[kept], of.plain(updates)[kept])
        return like(result.reshape(array.shape), array)

    return apply


def _written(params: Any, array: Array, where: Array, updates: Array) -> Array:
    """The place to which each of the updates goes, −1 if it is dropped."""
    lax: Any = importlib.import_module("jax.lax")
    numbers = params["dimension_numbers"]
    single = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
    window = iter(numbers.update_window_dims)
    read = lax.GatherDimensionNumbers(
        offset_dims=numbers.update_window_dims,
        collapsed_slice_dims=numbers.inserted_window_dims,
        start_index_map=numbers.scatter_dims_to_operand_dims,
        operand_batching_dims=numbers.operand_batching_dims,
        start_indices_batching_dims=numbers.scatter_indices_batching_dims,
    )
    sizes = tuple(1 if axis in single else updates.shape[next(window)] for axis in range(array.ndim))
    mode = "clip" if params["mode"].name == "CLIP" else "fill"
    return np.asarray(lax.gather(_places(array), where, read, sizes, mode=mode, fill_value=-1))


def _replaces(jaxpr: Any) -> bool:
    """Whether the function of an element and of what is written there gives the latter."""
    return jaxpr is None or (not jaxpr.eqns and jaxpr.outvars[0] is jaxpr.invars[1])


INDEXED: dict[str, Callable[..., Array]] = {
    "gather": _read,
    "dynamic_slice": _read,
    **{
        name: _write(name, *functions)
        for name, functions in {
            "scatter": (None, None),
            "scatter-add": (np.add, np.add),
            "scatter-sub": (np.subtract, np.subtract),
            "scatter-mul": (np.multiply, np.multiply),
            "scatter-max": (elementwise(largest, 2), np.maximum),
            "scatter-min": (elementwise(least, 2), np.minimum),
        }.items()
    },
}
"""{name of the primitive: a function of it, of its parameters and of its operands}."""
