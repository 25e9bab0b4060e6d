"""Operations of aten that make arrays."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray, exactly
from attnspec.interpreters.balls.ball import Untraceable
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import (
    Array,
    dtype_kind,
    is_array,
    numpy_dtype,
)


def _made(value: Any) -> Callable[..., Array]:
    """A factory of arrays of one number."""

    def make(*args: Any, dtype: Any = None, **options: Any) -> Array:
        shape, fill = _shape_and_fill(args, value, options)
        kind = dtype_kind(dtype)
        if dtype is None and args and is_array(args[0]) and not isinstance(args[0], BallArray):
            return np.full(shape, fill, args[0].dtype)
        if dtype is None and isinstance(fill, bool | int) and value is None and not (args and is_array(args[0])):
            return np.full(shape, fill)
        return of.filled(shape, fill) if kind == "f" else np.full(shape, fill, numpy_dtype(dtype))

    return make


def _shape_and_fill(args: Sequence[Any], value: Any, options: Any) -> tuple[tuple[int, ...], Any]:
    """The shape and the number of an array that is made: of a size, like another, or new beside another."""
    like = is_array(args[0]) if args else False
    rest = args[1:] if like else args
    shape = args[0].shape if like else ()
    if rest and isinstance(rest[0], list | tuple):
        shape, rest = tuple(rest[0]), rest[1:]
    return shape, value if value is not None else rest[0] if rest else options["fill_value"]


def _empty(*args: Any, dtype: Any = None, **options: Any) -> Array:
    shape, _ = _shape_and_fill(args, 0, options)
    if "complex" in str(dtype):
        raise Untraceable("an array of complex numbers that is not initialised")
    is_float = dtype_kind(dtype) == "f" and (dtype is not None or isinstance(args[0], BallArray | list | tuple))
    return of.unknown(shape) if is_float else np.zeros(shape, numpy_dtype(dtype) if dtype else np.int64)


def _arange(*args: Any, dtype: Any = None, **options: Any) -> Array:
    if builtins.any(isinstance(each, float) and not each.is_integer() for each in args):
        raise Untraceable("a range of fractions")
    found = np.arange(*map(int, args))
    floating = (dtype is not None and dtype_kind(dtype) == "f") or (
        dtype is None and builtins.any(isinstance(each, float) for each in args)
    )
    return exactly(found) if floating else found


def _scalar(value: Any, *, dtype: Any = None, **options: Any) -> Array:
    if dtype_kind(dtype) == "f":
        return of.filled((), value)
    return np.asarray(value, numpy_dtype(dtype))


def _random(x: Any, *args: Any, **options: Any) -> Array:
    """Nothing is known of what is drawn."""
    return of.unknown(x.shape if is_array(x) else x)


CREATION: dict[str, Callable[..., Any]] = {
    "zeros": _made(0), "ones": _made(1), "full": _made(None), "zeros_like": _made(0), "ones_like": _made(1),
    "full_like": _made(None), "new_zeros": _made(0), "new_ones": _made(1), "new_full": _made(None),
    "empty": _empty, "empty_like": _empty, "new_empty": _empty, "arange": _arange, "scalar_tensor": _scalar,
    "eye": lambda n, m=None, **how: exactly(np.eye(n, m)),
    "uniform": _random, "normal": _random, "bernoulli": _random, "rand": _random, "randn": _random,
    "rand_like": _random, "randn_like": _random,
}  # fmt: skip
