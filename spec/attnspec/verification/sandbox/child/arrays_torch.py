"""PyTorch tensors in the worker."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from attnspec.verification.sandbox.child.arrays import Argument, Arrays, array_output, lay_out, type_name
from attnspec.verification.sandbox.messages import Layout, Output, Recording
from attnspec.verification.sandbox.wire import CARRIED, Array

BITS = {1: "uint8", 2: "int16", 4: "int32", 8: "int64"}
"""The integer dtype by which a tensor is compared bit for bit, by the size of its elements in bytes."""


TILES = (17, 33)
"""Sizes beyond the end of a tile of 16 rows, or of 32 bytes or 64, by one."""


class TorchArrays(Arrays):
    """PyTorch tensors."""

    def __init__(self) -> None:
        self.torch = importlib.import_module("torch")
        self._reads_beyond: dict[str, bool] = {}

    def unavailable(self, device: str, dtype: str) -> str:
        """A device is available if it can hold an element."""
        try:
            self.torch.zeros(1, device=device, dtype=self.dtype(dtype))
        except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
            return f"PyTorch cannot use {dtype} on {device!r}: {str(error).partition(chr(10))[0]}"
        return ""

    def reads_beyond(self, dtype: str, device: str) -> bool:
        """Products of oneDNN do in bfloat16 on processors with AMX: github.com/uxlfoundation/oneDNN/pull/5723 mends it.

        NaN there would be taken for a mistake of every candidate that multiplies matrices.
        """
        if device != "cpu":
            return False
        if dtype not in self._reads_beyond:
            buffers = (
                self.torch.full((size, size + 2), float("nan"), dtype=self.dtype(dtype), device=device)
                for size in TILES
            )
            slices = (buffer[:, 1:-1].fill_(1) for buffer in buffers)
            self._reads_beyond[dtype] = any(bool((each @ self.torch.ones_like(each)).isnan().any()) for each in slices)
        return self._reads_beyond[dtype]

    def dtype(self, name: str) -> Any:
        return getattr(self.torch, name)

    def place(self, values: Array, dtype: str, device: str, layout: Layout) -> Argument:
        is_float = values.dtype.kind == "f"
        kind = self.dtype(dtype if is_float else values.dtype.name)
        around = -1.0
        if is_float:
            around = self.torch.finfo(kind).max / 4 if self.reads_beyond(dtype, device) else float("nan")

        def fresh(shape: tuple[int, ...]) -> Any:
            return self.torch.full(shape, around, dtype=kind, device=device)

        given = self.torch.from_numpy(values.copy())
        return lay_out(fresh, self.torch.broadcast_to, given, values.shape, layout, -given if is_float else None)

    def zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return like.new_zeros(shape)

    def taken(self, array: Any, axis: int, places: Array) -> Any:
        return array.index_select(axis, self.torch.from_numpy(places.copy()).to(array.device))

    def overwrite(self, argument: Argument, values: Array, dtype: str, device: str) -> Argument:
        argument.view.detach().copy_(self.torch.from_numpy(values.copy()))
        return argument

    def _share_memory(self, result: Any, buffer: Any) -> bool:
        if type(result) is not self.torch.Tensor or result.layout is not self.torch.strided or result.is_meta:
            return False
        return bool(result.untyped_storage().data_ptr() == buffer.untyped_storage().data_ptr())

    def _copy(self, array: Any) -> Any:
        return array.clone()

    def snapshot(self, argument: Argument) -> Any:
        return argument.buffer.requires_grad, self._bits(argument.buffer).clone()

    def changed(self, argument: Argument, snapshot: Any) -> bool:
        requires_grad, bits = snapshot
        return argument.buffer.requires_grad != requires_grad or not self.torch.equal(self._bits(argument.buffer), bits)

    def _bits(self, buffer: Any) -> Any:
        return buffer.detach().view(getattr(self.torch, BITS[buffer.element_size()]))

    def wait(self, result: object, device: str) -> None:
        if device.startswith("cuda"):
            self.torch.cuda.synchronize(device)

    def recording(self, recording: Recording) -> AbstractContextManager[object]:
        modes: dict[Recording, Callable[[], AbstractContextManager[object]]]
        modes = {"off": self.torch.no_grad, "inference": self.torch.inference_mode}
        return modes.get(recording, nullcontext)()

    def wanting(self, array: Any) -> Any:
        return array.detach().requires_grad_() if array.is_floating_point() else array

    def seeing(self, see: Callable[[object], None]) -> AbstractContextManager[object]:
        """Functions and methods of tensors are overridden; what runs inside compiled code is not seen."""
        mode: Any = importlib.import_module("torch.overrides").TorchFunctionMode

        class Seen(mode):  # type: ignore[misc]  # the base class is known when PyTorch is imported
            def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                result = function(*args, **(kwargs or {}))
                see(result)
                return result

        return Seen()

    def describe(self, value: object) -> Output:
        """Describe a value. The values of a plain strided tensor alone are copied."""
        if type(value) is not self.torch.Tensor:
            return Output(type_name(value))
        tensor: Any = value
        if tensor.layout is not self.torch.strided or tensor.is_nested or tensor.is_quantized or tensor.is_meta:
            form = "meta" if tensor.is_meta else str(tensor.layout).removeprefix("torch.")
            return Output(f"torch.Tensor ({form})")
        dtype = str(tensor.dtype).removeprefix("torch.")
        on_cpu = tensor.detach().cpu().resolve_conj().resolve_neg()
        readable = on_cpu.float() if dtype == "bfloat16" else on_cpu
        with self.torch._C.DisableTorchFunction():  # whoever follows the operations of a candidate does not see this
            values = readable.contiguous().numpy() if dtype == "bfloat16" or dtype in CARRIED else None
        return array_output("tensor of torch", dtype, tuple(tensor.shape), str(tensor.device), values)
