"""In the worker: the arrays of NumPy, PyTorch and JAX, made from what arrives and read back for what is sent.

A framework is imported when a call asks for it, never before.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from attnspec.verification.sandbox.wire import CARRIED, Array

OFFSET = 3
"""Elements before a view in the layout "offset": odd, so that nothing is aligned as a fresh allocation would be."""

Described = tuple[dict[str, Any], Array | None]
"""What a returned value is, and its values where it is an array of the framework."""


class NumPy:
    """NumPy arrays; bfloat16 through ml_dtypes. What JAX and PyTorch do alike is inherited from here."""

    name = "numpy"

    def unavailable(self, device: str, dtype: str) -> str:
        """Why this cannot be asked here; empty where it can."""
        if device != "cpu":
            return f"NumPy has no device {device!r}"
        if dtype == "bfloat16" and importlib.util.find_spec("ml_dtypes") is None:
            return "NumPy has bfloat16 through ml_dtypes, which is not installed"
        return ""

    @contextmanager
    def mode(self, dtype: str) -> Iterator[None]:
        """What has to be set for this dtype to exist."""
        yield

    def dtype(self, name: str) -> Any:
        """A dtype as this framework's users write it."""
        return _numpy_dtype(name)

    def place(self, values: Array, dtype: str, device: str, layout: str) -> tuple[Any, Any]:
        """An argument in the layout asked for, and the buffer that it is a view of."""
        kind = _numpy_dtype(dtype) if values.dtype.kind == "f" else values.dtype

        def fresh(shape: tuple[int, ...]) -> Array:
            return np.full(shape, np.nan if values.dtype.kind == "f" else -1).astype(kind)

        return lay_out(fresh, values, values.shape, layout)

    def apart(self, result: Any, buffers: Sequence[Any]) -> Any:
        """A result that is a view of an argument, which is no fault, copied before the argument changes."""
        if type(result) in (tuple, list):
            return [self.apart(each, buffers) for each in result]
        return self.copied(result) if any(self.overlap(result, buffer) for buffer in buffers) else result

    def copied(self, array: Any) -> Any:
        """The same values in memory of their own."""
        return array.copy()

    def overlap(self, result: Any, buffer: Any) -> bool:
        """Whether a result lies in an argument's memory."""
        return isinstance(result, np.ndarray) and bool(np.may_share_memory(result, buffer))

    def overwritten(self, view: Any, buffer: Any, values: Array, dtype: str, device: str) -> tuple[Any, Any]:
        """The same argument, with other values of the same shape put into its memory."""
        view[...] = values
        return view, buffer

    def mark(self, buffer: Any) -> Any:
        """What tells later whether a buffer was written to."""
        return buffer.shape, buffer.tobytes()

    def changed(self, buffer: Any, mark: Any) -> bool:
        """Whether it was, bit for bit: NaN equals itself, and 0 is not -0."""
        return bool(self.mark(buffer) != mark)

    def settle(self, result: object, device: str) -> None:
        """Wait until the computation is done."""

    def describe(self, value: object) -> Described:
        """A NumPy scalar is what NumPy itself returns for shape (), and counts as an array."""
        if type(value) is not np.ndarray and not isinstance(value, np.generic):
            return {"kind": type_name(value)}, None
        array = np.asarray(value)
        return _described(array.dtype.name, array.shape, "cpu", "array of numpy", array)


class Torch(NumPy):
    """PyTorch tensors."""

    name = "torch"

    def __init__(self) -> None:
        self.torch = importlib.import_module("torch")

    def unavailable(self, device: str, dtype: str) -> str:
        """A device is there when it takes an element."""
        try:
            self.torch.zeros(1, device=device, dtype=getattr(self.torch, dtype))
        except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
            return f"PyTorch cannot use {dtype} on {device!r}: {str(error).partition(chr(10))[0]}"
        return ""

    def dtype(self, name: str) -> Any:
        return getattr(self.torch, name)

    def place(self, values: Array, dtype: str, device: str, layout: str) -> tuple[Any, Any]:
        is_float = values.dtype.kind == "f"
        kind = getattr(self.torch, dtype if is_float else values.dtype.name)

        def fresh(shape: tuple[int, ...]) -> Any:
            return self.torch.full(shape, float("nan") if is_float else -1, dtype=kind, device=device)

        return lay_out(fresh, self.torch.from_numpy(values.copy()), values.shape, layout)

    def copied(self, array: Any) -> Any:
        return array.clone()

    def overlap(self, result: Any, buffer: Any) -> bool:
        if type(result) is not self.torch.Tensor or result.layout is not self.torch.strided or result.is_meta:
            return False
        return bool(result.untyped_storage().data_ptr() == buffer.untyped_storage().data_ptr())

    def overwritten(self, view: Any, buffer: Any, values: Array, dtype: str, device: str) -> tuple[Any, Any]:
        view.detach().copy_(self.torch.from_numpy(values.copy()))
        return view, buffer

    def mark(self, buffer: Any) -> Any:
        return buffer.requires_grad, self._bits(buffer).clone()

    def changed(self, buffer: Any, mark: Any) -> bool:
        requires_grad, bits = mark
        return buffer.requires_grad != requires_grad or not self.torch.equal(self._bits(buffer), bits)

    def _bits(self, buffer: Any) -> Any:
        integers = {1: "uint8", 2: "int16", 4: "int32", 8: "int64"}
        return buffer.detach().view(getattr(self.torch, integers[buffer.element_size()]))

    def settle(self, result: object, device: str) -> None:
        if device.startswith("cuda"):
            self.torch.cuda.synchronize(device)

    def describe(self, value: object) -> Described:
        """A plain strided tensor is read; sparse ones, subclasses and what has no values are named."""
        if type(value) is not self.torch.Tensor:
            return {"kind": type_name(value)}, None
        tensor: Any = value
        if tensor.layout is not self.torch.strided or tensor.is_nested or tensor.is_quantized or tensor.is_meta:
            odd = "meta" if tensor.is_meta else str(tensor.layout).removeprefix("torch.")
            return {"kind": f"torch.Tensor ({odd})"}, None
        dtype = str(tensor.dtype).removeprefix("torch.")
        host = tensor.detach().cpu().resolve_conj().resolve_neg()
        readable = host.float() if dtype == "bfloat16" else host
        array = readable.contiguous().numpy() if dtype == "bfloat16" or dtype in CARRIED else None
        return _described(dtype, tuple(tensor.shape), str(tensor.device), "tensor of torch", array)


class Jax(NumPy):
    """JAX arrays, which have no layout of their own."""

    name = "jax"

    def __init__(self) -> None:
        self.jax = importlib.import_module("jax")

    def unavailable(self, device: str, dtype: str) -> str:
        """A device is there when its platform lists it."""
        try:
            self._device(device)
        except (RuntimeError, IndexError, ValueError) as error:
            return f"JAX cannot use {device!r}: {str(error).partition(chr(10))[0]}"
        return ""

    @contextmanager
    def mode(self, dtype: str) -> Iterator[None]:
        """Without x64 JAX turns float64 into float32 and says nothing.

        For any other dtype the setting stays as the candidate left it: with x64, an innocent `jnp.zeros(n)` in a
        float32 function would be float64 and make the result so. Integers are then int32, as JAX's users know them.
        """
        name = "jax_enable_x64"
        before = getattr(self.jax.config, name)
        if dtype == "float64" and not before:
            self.jax.config.update(name, True)
        try:
            yield
        finally:
            if dtype == "float64" and not before:
                self.jax.config.update(name, before)

    def place(self, values: Array, dtype: str, device: str, layout: str) -> tuple[Any, Any]:
        kind = _numpy_dtype(dtype) if values.dtype.kind == "f" else values.dtype
        if kind == np.int64 and not self.jax.config.jax_enable_x64:
            kind = np.dtype(np.int32)
        array = self.jax.device_put(values.astype(kind), self._device(device))
        return array, array

    def overwritten(self, view: Any, buffer: Any, values: Array, dtype: str, device: str) -> tuple[Any, Any]:
        """A new array: this framework's cannot be written to."""
        return self.place(values, dtype, device, "contiguous")

    def mark(self, buffer: Any) -> Any:
        return np.asarray(buffer).tobytes()

    def changed(self, buffer: Any, mark: Any) -> bool:
        """A donated buffer is gone, which is a change too."""
        return bool(buffer.is_deleted() or self.mark(buffer) != mark)

    def settle(self, result: object, device: str) -> None:
        self.jax.block_until_ready(result)

    def describe(self, value: object) -> Described:
        if not isinstance(value, self.jax.Array) or isinstance(value, self.jax.core.Tracer):
            return {"kind": type_name(value)}, None
        array: Any = value
        dtype = str(array.dtype)
        host = np.asarray(array) if dtype == "bfloat16" or dtype in CARRIED else None
        home = min(array.devices(), key=lambda each: each.id)
        device = f"cuda:{home.id}" if home.platform == "gpu" else str(home.platform)
        return _described(dtype, array.shape, device, "array of jax", host)

    def _device(self, device: str) -> Any:
        platform, _, index = device.partition(":")
        return self.jax.devices(platform)[int(index or 0)]


FRAMEWORKS: dict[str, type[NumPy]] = {"numpy": NumPy, "torch": Torch, "jax": Jax}


def lay_out(
    fresh: Callable[[tuple[int, ...]], Any], values: Any, shape: tuple[int, ...], layout: str
) -> tuple[Any, Any]:
    """A view of these values, and the buffer behind it; what the view leaves out of a buffer is NaN, or -1."""
    size = int(np.prod(shape, dtype=np.int64))
    if layout == "offset":
        buffer = fresh((size + 2 * OFFSET,))
        view = buffer[OFFSET : OFFSET + size].reshape(shape)
    elif layout == "transposed" and len(shape) >= 2:
        buffer = fresh((*shape[:-2], shape[-1], shape[-2]))
        view = buffer.swapaxes(-1, -2)
    elif layout == "transposed" and len(shape) == 1:
        buffer = fresh((2 * size,))
        view = buffer[::2]
    else:
        buffer = view = fresh(shape)
    view[...] = values
    return view, buffer


def taken_apart(result: Any, expected: int) -> list[Any]:
    """The outputs that a result is: a tuple or list is several only where several are expected."""
    return list(result) if expected > 1 and isinstance(result, (tuple, list)) else [result]


def type_name(value: object) -> str:
    """A type as its user would write it."""
    if value is None:
        return "None"
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _numpy_dtype(dtype: str) -> np.dtype[Any]:
    return np.dtype(importlib.import_module("ml_dtypes").bfloat16 if dtype == "bfloat16" else dtype)


def _described(dtype: str, shape: tuple[int, ...], device: str, kind: str, values: Array | None) -> Described:
    """Values of a dtype that does not travel stay behind; bfloat16 goes as float32."""
    if values is not None and dtype == "bfloat16":
        values = values.astype(np.float32)
    carried = values if values is not None and values.dtype.name in CARRIED else None
    return {"kind": kind, "dtype": dtype, "shape": list(shape), "device": device}, carried
