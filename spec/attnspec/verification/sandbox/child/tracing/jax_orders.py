"""JAX's primitives that put elements in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray
from attnspec.interpreters.balls.ball import Untraceable, number
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.jax_moves import like

Array = Any


def _order(a: Any, b: Any) -> int:
    """Of two numbers the first is before the other (−1), behind it (1) or equal to it; NaN is behind all others."""
    x, y = number(a), number(b)
    if x.is_nan() or y.is_nan():
        return int(x.is_nan()) - int(y.is_nan())
    return int(x > y) - int(x < y)


def _ordered(rows: Sequence[Any], is_stable: bool = True, largest_first: bool = False) -> list[int]:
    """The places of elements in order, by the first row, then by the second.

    Raises:
        Untraceable: elements are equal, and which of them is first is not said.
    """

    def compare(i: int, j: int) -> int:
        for row in rows:
            if found := _order(row[i], row[j]):
                return -found if largest_first else found
        if not is_stable and i != j:
            raise Untraceable("which of two equal numbers comes first is not said")
        return 0

    return sorted(range(len(rows[0])), key=cmp_to_key(compare))


def _sort(*operands: Array, dimension: int, num_keys: int, is_stable: bool = True, **params: Any) -> list[Array]:
    """Operands that are sorted together by the first of them."""
    rows = [np.moveaxis(of.plain(each), dimension, -1) for each in operands]
    results = [np.empty_like(each) for each in rows]
    for place in np.ndindex(rows[0].shape[:-1]):
        here = [each[place] for each in rows]
        order = _ordered(here[:num_keys], is_stable or num_keys == len(rows))
        for result, row in zip(results, here, strict=True):
            result[place] = row[order]
    return [like(np.moveaxis(result, -1, dimension), each) for result, each in zip(results, operands, strict=True)]


def _top_k(x: Array, k: int, axis: int = -1, **params: Any) -> list[Array]:
    """The largest elements, the first of equal ones first, and where they are."""
    _no_nan(x)
    rows = np.moveaxis(of.plain(x), axis, -1)
    places = np.empty((*rows.shape[:-1], k), np.int64)
    for place in np.ndindex(rows.shape[:-1]):
        places[place] = _ordered([rows[place]], largest_first=True)[:k]
    found = np.take_along_axis(rows, places, -1)
    return [like(np.moveaxis(found, -1, axis), x), np.moveaxis(places, -1, axis)]


def _no_nan(x: Array) -> None:
    if isinstance(x, BallArray) and any(number(each).is_nan() for each in of.plain(x).flat):
        raise Untraceable("the place of NaN in an order is not said")


def _place(function: Callable[..., Array]) -> Callable[..., Array]:
    def apply(x: Array, axes: Any, **params: Any) -> Array:
        _no_nan(x)
        return function(of.plain(x), axis=axes[0])

    return apply


ORDERS: dict[str, Callable[..., Any]] = {
    "sort": _sort,
    "top_k": _top_k,
    "argmax": _place(np.argmax),
    "argmin": _place(np.argmin),
}
"""{name of the primitive: what it does on arrays of balls}."""
