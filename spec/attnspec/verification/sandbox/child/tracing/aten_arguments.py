"""What the operations of aten share: how they take their arguments, and choose and write elements."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray, exactly
from attnspec.interpreters.balls.ball import number
from attnspec.verification.sandbox.child.tracing import functions as of

Array = Any


def as_type_of(array: Array, value: Any) -> Array:
    """A value as it is written into an array."""
    if isinstance(array, BallArray):
        return value if isinstance(value, BallArray) else of.as_balls(value) if is_array(value) else number(value)
    return value.astype(array.dtype) if isinstance(value, BallArray) else value


def is_array(value: Any) -> bool:
    """Whether a value is an array, of balls or of NumPy."""
    return isinstance(value, np.ndarray)


def floating(value: Any) -> Any:
    """A value with balls for whole numbers and truth values."""
    return exactly(value) if is_array(value) and value.dtype.kind in "biu" else value


def dtype_kind(dtype: Any) -> str:
    """ "f", "b" or "i" for a dtype of PyTorch; None is the default one, which is floating-point."""
    name = str(dtype)
    return "f" if "float" in name or dtype is None else "b" if "bool" in name else "i"


def numpy_dtype(dtype: Any) -> str:
    """The name that NumPy has for a dtype of PyTorch."""
    return str(dtype).removeprefix("torch.")


def scaled(value: Any, by: Any) -> Any:
    """A value times a number, itself if that is 1."""
    return value if by == 1 else value * by


def selected(condition: Array, a: Any = None, b: Any = None) -> Array:
    """The elements of `a` where a condition holds, else those of `b`."""
    if not builtins.any(isinstance(each, BallArray | float) for each in (a, b)):
        return np.where(condition, a, b)
    chosen = [of.as_balls(each) if is_array(each) else of.filled((), each) for each in (a, b)]
    return of.as_balls(np.where(condition, of.plain(chosen[0]), of.plain(chosen[1])))


def key_at(axis: int, key: Any, x: Array) -> tuple[Any, ...]:
    """A subscript along one axis of an array."""
    before: tuple[Any, ...] = (slice(None),) * (axis % x.ndim)
    return (*before, key)


def indexed(x: Array, indices: Sequence[Any]) -> Array:
    """The elements at arrays of indices; None takes a whole axis."""
    key = tuple(slice(None) if each is None else each for each in indices)
    found = of.plain(x)[key]
    return of.as_balls(found) if isinstance(x, BallArray) else found


def with_indexed(x: Array, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Array:
    """A copy with other elements at arrays of indices, or with them added."""
    result, key = of.plain(x).copy(), tuple(slice(None) if each is None else each for each in indices)
    values = of.plain(as_type_of(x, values))
    if accumulate:
        add: Any = np.add
        add.at(result, key, values)
    else:
        result[key] = values
    return result.view(BallArray) if isinstance(x, BallArray) else result


def truths(x: Array) -> Array:
    """Truth values of an array of balls."""
    return x.astype(bool) if isinstance(x, BallArray) else x


def nll_shares(labels: Array, weight: Any, ignored: int) -> Array:
    """What each row counts in a negative log-likelihood: the weight of its class, or 1; 0 where it is ignored."""
    seen = labels != ignored
    of_class = of.filled(labels.shape, 1) if weight is None else indexed(weight, [np.where(seen, labels, 0)])
    return selected(seen, of_class, 0)


def straight(x: Array, threshold: Any, beyond: Array, curved: Array) -> Array:
    """A softplus, or its gradient, that is straight beyond a threshold.

    That of 20, which PyTorch has if none is given, is one of rounding: the curve is there itself to 10 digits.
    """
    return curved if threshold >= 20 else selected(np.asarray(x > threshold).astype(bool), beyond, curved)


def with_diagonal(x: Array, values: Array, offset: int = 0, first: int = 0, second: int = 1) -> Array:
    """A copy with another diagonal."""
    result = of.plain(x).copy()
    view = np.diagonal(result, offset, first, second)
    view.flags.writeable = True
    view[...] = of.plain(as_type_of(x, values))
    return result.view(BallArray) if isinstance(x, BallArray) else result
