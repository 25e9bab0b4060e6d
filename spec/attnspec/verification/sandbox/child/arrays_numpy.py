"""NumPy arrays in the worker; bfloat16 by ml_dtypes."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from attnspec.verification.sandbox.child.arrays import Argument, Arrays, array_output, lay_out, type_name
from attnspec.verification.sandbox.messages import Layout, Output
from attnspec.verification.sandbox.wire import Array


class NumPyArrays(Arrays):
    """NumPy arrays."""

    def unavailable(self, device: str, dtype: str) -> str:
        if device != "cpu":
            return f"NumPy has no device {device!r}"
        if dtype == "bfloat16" and importlib.util.find_spec("ml_dtypes") is None:
            return "NumPy has bfloat16 through ml_dtypes, which is not installed"
        return ""

    def dtype(self, name: str) -> Any:
        return numpy_dtype(name)

    def place(self, values: Array, dtype: str, device: str, layout: Layout) -> Argument:
        kind = numpy_dtype(dtype) if values.dtype.kind == "f" else values.dtype

        def fresh(shape: tuple[int, ...]) -> Array:
            return np.full(shape, np.nan if values.dtype.kind == "f" else -1).astype(kind)

        between = -values if values.dtype.kind == "f" else None
        return lay_out(fresh, _expand, values, values.shape, layout, between)

    def zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return np.zeros(shape, like.dtype)

    def taken(self, array: Any, axis: int, places: Array) -> Any:
        return np.take(array, places, axis)

    def overwrite(self, argument: Argument, values: Array, dtype: str, device: str) -> Argument:
        (argument.view if argument.view.flags.writeable else argument.buffer)[...] = values
        return argument

    def _share_memory(self, result: Any, buffer: Any) -> bool:
        return isinstance(result, np.ndarray) and bool(np.may_share_memory(result, buffer))

    def _copy(self, array: Any) -> Any:
        return array.copy()

    def snapshot(self, argument: Argument) -> Any:
        return argument.buffer.shape, argument.buffer.tobytes()

    def wait(self, result: object, device: str) -> None:
        """NumPy computes at once."""

    def seen(self, array: Any, see: Callable[[object], None]) -> Any:
        return array.view(_seen_type(see)) if type(array) is np.ndarray else array

    def unseen(self, value: Any) -> Any:
        if type(value) in (tuple, list):
            return type(value)(map(self.unseen, value))
        return value.view(np.ndarray) if isinstance(value, np.ndarray) else value

    def describe(self, value: object) -> Output:
        """Describe a value. A NumPy scalar counts as an array, since NumPy returns it for an array of shape ()."""
        if type(value) is not np.ndarray and not isinstance(value, np.generic):
            return Output(type_name(value))
        array = np.asarray(value)
        if not array.dtype.isnative:  # a dtype of its own, such as ">f4"
            return array_output("array of numpy", array.dtype.str, array.shape, "cpu", None)
        return array_output("array of numpy", array.dtype.name, array.shape, "cpu", array)


def _seen_type(see: Callable[[object], None]) -> type[Array]:
    """Return a class of arrays that pass the results of operations on them to a function."""

    class Seen(np.ndarray):
        def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **kwargs: Any) -> Any:
            into = kwargs.pop("out", ())
            if into:
                kwargs["out"] = tuple(map(plain, into))
            named = {name: plain(value) if name != "out" else value for name, value in kwargs.items()}
            result = getattr(ufunc, method)(*map(plain, inputs), **named)
            see(result)
            return (into[0] if len(into) == 1 else into) if into else seen(result)

        def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
            result = super().__array_function__(function, types, args, kwargs)
            see(plain(result))
            return result

    def plain(value: Any) -> Any:
        return value.view(np.ndarray) if isinstance(value, Seen) else value

    def seen(value: Any) -> Any:
        if type(value) is tuple:
            return tuple(map(seen, value))
        return value.view(Seen) if type(value) is np.ndarray else value

    return Seen


def _expand(array: Array, shape: tuple[int, ...]) -> Array:
    """Return a writable view with stride 0 along a new first axis."""
    return np.lib.stride_tricks.as_strided(array, shape, (0, *array.strides))


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return NumPy's dtype of a name, bfloat16 too."""
    return np.dtype(importlib.import_module("ml_dtypes").bfloat16 if name == "bfloat16" else name)
