"""NumPy arrays in the worker; bfloat16 by ml_dtypes."""

from __future__ import annotations

import importlib
import importlib.util
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

        return lay_out(fresh, _expand, values, values.shape, layout)

    def zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return np.zeros(shape, like.dtype)

    def overwrite(self, argument: Argument, values: Array, dtype: str, device: str) -> Argument:
        argument.view[...] = values
        return argument

    def _share_memory(self, result: Any, buffer: Any) -> bool:
        return isinstance(result, np.ndarray) and bool(np.may_share_memory(result, buffer))

    def _copy(self, array: Any) -> Any:
        return array.copy()

    def snapshot(self, argument: Argument) -> Any:
        return argument.buffer.shape, argument.buffer.tobytes()

    def wait(self, result: object, device: str) -> None:
        """NumPy computes at once."""

    def describe(self, value: object) -> Output:
        """Describe a value. A NumPy scalar counts as an array, since NumPy returns it for an array of shape ()."""
        if type(value) is not np.ndarray and not isinstance(value, np.generic):
            return Output(type_name(value))
        array = np.asarray(value)
        return array_output("array of numpy", array.dtype.name, array.shape, "cpu", array)


def _expand(array: Array, shape: tuple[int, ...]) -> Array:
    """Return a writable view with stride 0 along a new first axis."""
    return np.lib.stride_tricks.as_strided(array, shape, (0, *array.strides))


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return NumPy's dtype of a name, bfloat16 too."""
    return np.dtype(importlib.import_module("ml_dtypes").bfloat16 if name == "bfloat16" else name)
