"""What the families share: half precision inside single, softmax, erf, a sum that masked values cannot reach."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from types import EllipsisType
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])

DTYPES = ("float64", "float32", "float16")
DEVICES = ("cpu",)

CHUNK = 1 << 16  # elements of tanh at a time: they stay in the cache, and memory does not grow as n · m · a


def half_in_single(function: F) -> F:
    """Compute float16 in float32 and round the results once.

    NumPy has no float16 product in BLAS: its own loop is slower by orders and rounds every partial sum.
    """

    @functools.wraps(function)
    def computed(*args: Any, **options: Any) -> Any:
        if not any(_is_half(a) for a in (*args, *options.values())):
            return function(*args, **options)
        result = function(*map(_widen, args), **{name: _widen(a) for name, a in options.items()})
        return tuple(map(_narrow, result)) if isinstance(result, tuple) else _narrow(result)

    return cast(F, computed)


def _is_half(argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype == np.float16


def _narrow(result: Array) -> Array:
    """What is no whole number; those stay."""
    return result.astype(np.float16) if result.dtype.kind == "f" else result


def _widen(argument: Any) -> Any:
    return argument.astype(np.float32) if _is_half(argument) else argument


def transposed(a: Array) -> Array:
    """The last two axes swapped, whatever leads them."""
    return a.swapaxes(-1, -2)


def softmax(e: Array, axis: int = -1, out: Array | None = None) -> Array:
    """The largest score is subtracted, so that nothing overflows; `out` may be `e` where it is a temporary."""
    alpha: Array = np.subtract(e, e.max(axis=axis, keepdims=True, initial=-np.inf), out=out)
    np.exp(alpha, out=alpha)
    alpha /= alpha.sum(axis=axis, keepdims=True)
    return alpha


def erf(a: Array) -> Array:
    """The error function, element by element in float64."""
    found: Array = np.vectorize(math.erf, otypes=[np.float64])(a)
    return found.astype(a.dtype)


def sigmoid(a: Array) -> Array:
    """Accurate in both tails, where nothing overflows either."""
    e: Array = np.exp(-np.abs(a))
    shares: Array = np.where(a < 0, e, e.dtype.type(1)) / (1 + e)
    return shares


CELLS = 1 << 18
"""How many scores are held at a time where there are more: 1 MiB in float32, so that they stay in the cache."""

FEWEST_ROWS = 16
"""The smallest number of queries whose scores are computed together; a product with fewer rows is slow."""

Index = EllipsisType | tuple[int, ...]


def blocks(lead: tuple[int, ...], n: int, m: int) -> Iterator[tuple[Index, slice]]:
    """Blocks of scores that fit into the cache: all of them at once, or some rows of one matrix after another.

    Args:
        lead: the batch axes.
        n: how many queries there are.
        m: how many keys there are.

    Yields:
        An index into the batch axes, `...` for all of them, and the rows of a block.
    """
    if math.prod(lead) * n * m <= CELLS:
        yield ..., slice(0, n)
        return
    rows = max(FEWEST_ROWS, CELLS // m)
    for index in np.ndindex(lead):
        for first in range(0, n, rows):
            yield index, slice(first, min(first + rows, n))


def with_lead(lead: tuple[int, ...], *arrays: Array) -> Iterator[Array]:
    """Matrices with the same batch axes, without a copy."""
    return (np.broadcast_to(array, (*lead, *array.shape[-2:])) for array in arrays)


def masked_softmax(e: Array, mask: Array) -> Array:
    """Weights over what the mask shows; exactly 0 elsewhere, and all along a row that shows nothing."""
    some = mask.any(axis=-1, keepdims=True)
    hidden = np.where(some, -np.inf, 0.0).astype(e.dtype)
    shown = np.where(mask, e, hidden)
    return np.where(mask, softmax(shown, out=shown), e.dtype.type(0))


def seen_sum(alpha: Array, v: Array, mask: Array) -> Array:
    """alpha @ v, but a masked value never shows, not even as 0 · NaN; a row that sees one still gets it.

    The finite values are one product. The keys with NaN or infinity, few if any, are added pair by pair.
    """
    finite = np.isfinite(v)
    if finite.all():
        return alpha @ v
    nought = v.dtype.type(0)
    odd = np.flatnonzero(~finite.all(axis=-1).reshape(-1, v.shape[-2]).all(axis=0))
    strays = np.where(finite, nought, v)[..., None, odd, :]
    seen = np.where(mask[..., odd, None], strays, nought)
    total: Array = alpha @ np.where(finite, v, nought) + (alpha[..., odd, None] * seen).sum(axis=-2)
    return total


def chunks(queries: Array, keys: Array) -> Iterator[slice]:
    """Queries whose sums with all keys are about `CHUNK` numbers."""
    rows = max(1, CHUNK // max(1, keys.size))
    return (slice(first, first + rows) for first in range(0, queries.shape[-2], rows))
