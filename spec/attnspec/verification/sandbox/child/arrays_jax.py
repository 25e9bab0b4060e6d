"""JAX arrays in the worker."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from attnspec.verification.sandbox.child.arrays import Argument, Arrays, array_output, type_name
from attnspec.verification.sandbox.child.arrays_numpy import numpy_dtype
from attnspec.verification.sandbox.messages import LAYOUTS_OF, Layout, Output
from attnspec.verification.sandbox.wire import CARRIED, Array

X64 = "jax_enable_x64"


class JaxArrays(Arrays):
    """JAX arrays, which have no layout of their own and cannot be written to."""

    def __init__(self) -> None:
        self.jax = importlib.import_module("jax")

    def unavailable(self, device: str, dtype: str) -> str:
        """A device is available if its platform lists it."""
        try:
            self._device(device)
        except (RuntimeError, IndexError, ValueError) as error:
            return f"JAX cannot use {device!r}: {str(error).partition(chr(10))[0]}"
        return ""

    @contextmanager
    def mode(self, dtype: str) -> Iterator[None]:
        """Enable x64 for float64, which JAX otherwise turns into float32 without a warning.

        For any other dtype the setting stays as the candidate left it: with x64, an innocent `jnp.zeros(n)` in a
        float32 function would be float64 and make the result so. Integers are then int32, as JAX's users know them.
        """
        enabled = getattr(self.jax.config, X64)
        needed = dtype == "float64" and not enabled
        if needed:
            self.jax.config.update(X64, True)
        try:
            yield
        finally:
            if needed:
                self.jax.config.update(X64, enabled)

    def dtype(self, name: str) -> Any:
        return numpy_dtype(name)

    def place(self, values: Array, dtype: str, device: str, layout: Layout) -> Argument:
        if layout not in LAYOUTS_OF["jax"]:
            raise ValueError(f"JAX arrays cannot be {layout}")
        kind = numpy_dtype(dtype) if values.dtype.kind == "f" else values.dtype
        if kind == np.int64 and not getattr(self.jax.config, X64):
            kind = np.dtype(np.int32)
        array = self.jax.device_put(values.astype(kind), self._device(device))
        return Argument(array, array)

    def zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return self.jax.numpy.zeros(shape, like.dtype)

    def with_part(self, array: Any, index: Any, part: Any) -> Any:
        return array.at[index].set(part)

    def taken(self, array: Any, axis: int, places: Array) -> Any:
        return array[(slice(None),) * axis + (places,)]

    def overwrite(self, argument: Argument, values: Array, dtype: str, device: str) -> Argument:
        """Return another array, since this framework's cannot be written to."""
        return self.place(values, dtype, device, "contiguous")

    def _share_memory(self, result: Any, buffer: Any) -> bool:
        return False  # and if it did: what cannot be written to needs no copy

    def _copy(self, array: Any) -> Any:
        return array.copy()

    def snapshot(self, argument: Argument) -> Any:
        return np.asarray(argument.buffer).tobytes()

    def changed(self, argument: Argument, snapshot: Any) -> bool:
        """Return whether an argument was changed. A donated buffer is deleted, which is a change too."""
        return bool(argument.buffer.is_deleted() or self.snapshot(argument) != snapshot)

    def wait(self, result: object, device: str) -> None:
        self.jax.block_until_ready(result)

    def describe(self, value: object) -> Output:
        if not isinstance(value, self.jax.Array) or isinstance(value, self.jax.core.Tracer):
            return Output(type_name(value))
        array: Any = value
        dtype = str(array.dtype)
        values = np.asarray(array) if dtype == "bfloat16" or dtype in CARRIED else None
        device = min(array.devices(), key=lambda device: device.id)
        name = f"cuda:{device.id}" if device.platform == "gpu" else str(device.platform)
        return array_output("array of jax", dtype, array.shape, name, values)

    def _device(self, device: str) -> Any:
        platform, _, index = device.partition(":")
        return self.jax.devices(platform)[int(index or 0)]
