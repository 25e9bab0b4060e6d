"""What the worker needs of a framework: to make its arrays from received ones, and to read returned values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from attnspec.verification.sandbox.messages import Layout, Output, Recording
from attnspec.verification.sandbox.wire import CARRIED, Array

OFFSET = 3
"""How many elements precede an array of the layout "offset": an odd number, so that it is not aligned."""


class Argument(NamedTuple):
    """An array that is passed to a candidate.

    Attributes:
        view: the array that is passed.
        buffer: the array whose memory it is a view of, or itself.
    """

    view: Any
    buffer: Any


class Arrays(ABC):
    """The arrays of one framework. Creating an object imports the framework."""

    @abstractmethod
    def unavailable(self, device: str, dtype: str) -> str:
        """Return why a device or dtype cannot be used here; empty if both can."""

    def reads_beyond(self, dtype: str, device: str) -> bool:
        """Return whether products of the framework itself read what is around a slice, and multiply it by 0."""
        return False

    @contextmanager
    def mode(self, dtype: str) -> Iterator[None]:
        """Set what the framework needs for a dtype to exist."""
        yield

    @abstractmethod
    def dtype(self, name: str) -> Any:
        """Return a dtype as the framework's users write it."""

    @abstractmethod
    def place(self, values: Array, dtype: str, device: str, layout: Layout) -> Argument:
        """Make an argument.

        Args:
            values: its values.
            dtype: the dtype of floating-point arguments; integers and booleans keep their own.
        """

    @abstractmethod
    def overwrite(self, argument: Argument, values: Array, dtype: str, device: str) -> Argument:
        """Return the same argument with other values of the same shape in its memory."""

    @abstractmethod
    def zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        """Return zeros of the dtype and on the device of another array."""

    @abstractmethod
    def taken(self, array: Any, axis: int, places: Array) -> Any:
        """Return the slices of an array at some places along an axis, contiguous where that means something."""

    def with_part(self, array: Any, index: Any, part: Any) -> Any:
        """Return an array that is not used any more, with a part of it replaced."""
        array[index] = part
        return array

    def apart(self, result: Any, arguments: Sequence[Argument]) -> Any:
        """Return a result whose arrays share no memory with the arguments, which will be overwritten."""
        if type(result) in (tuple, list):
            return [self.apart(item, arguments) for item in result]
        shares = any(self._share_memory(result, argument.buffer) for argument in arguments)
        return self._copy(result) if shares else result

    @abstractmethod
    def _share_memory(self, result: Any, buffer: Any) -> bool:
        """Return whether a result is an array in the memory of an argument."""

    @abstractmethod
    def _copy(self, array: Any) -> Any:
        """Return the same values in other memory."""

    @abstractmethod
    def snapshot(self, argument: Argument) -> Any:
        """Return what `changed` compares an argument with."""

    def changed(self, argument: Argument, snapshot: Any) -> bool:
        """Return whether any bit was changed: NaN equals itself, and 0 is not −0."""
        return bool(self.snapshot(argument) != snapshot)

    @abstractmethod
    def wait(self, result: object, device: str) -> None:
        """Wait until a computation on the device is done."""

    def recording(self, recording: Recording) -> AbstractContextManager[object]:
        """Return a context in which gradients are recorded or not, where the framework knows the difference."""
        return nullcontext()

    def wanting(self, array: Any) -> Any:
        """Return the same array as one that wants a gradient, if the framework knows the difference."""
        return array

    def seeing(self, see: Callable[[object], None]) -> AbstractContextManager[object]:
        """Return a context in which the results of operations are passed to a function, where that can be done."""
        return nullcontext()

    def seen(self, array: Any, see: Callable[[object], None]) -> Any:
        """Return an array, the results of operations on which are passed to a function, where that can be done."""
        return array

    def unseen(self, value: Any) -> Any:
        """Return a result as it would be if no array came from `seen`."""
        return value

    @abstractmethod
    def describe(self, value: object) -> Output:
        """Describe a returned value, and copy its values if it is an array of the framework."""


def lay_out(
    fresh: Callable[[tuple[int, ...]], Any],
    expand: Callable[[Any, tuple[int, ...]], Any],
    values: Any,
    shape: tuple[int, ...],
    layout: Layout,
    between: Any = None,
) -> Argument:
    """Make an argument of a layout. An array that a layout cannot be applied to is contiguous.

    - "contiguous" and "shared": in C order. `array_calls` passes equal arrays as one object in the latter.
    - "transposed": the last two axes are swapped; of an array of one axis, every other element is used.
    - "offset": in C order, inside a larger buffer.
    - "strided": every other element along the last axis.
    - "sliced": columns of a wider array, as `q, k, v = x.chunk(3, -1)` makes them. `array_calls` makes every second
      argument sliced and the others contiguous in the layout "mixed", every second one transposed in "crossed".
    - "cut": rows of a longer array, as those of a cache that are filled.
    - "exchanged": the first axis and the last but one are swapped, if there are three or more.
    - "expanded": stride 0 along the first axis, if all its rows are equal.
    - "reversed": negative strides along all axes.
    - "read-only": in C order, and not to be written, as what NumPy broadcasts or maps from a file.

    Args:
        fresh: makes a contiguous array of a shape, filled with what is to stand around the view: mostly NaN or −1.
        expand: makes a view of a shape with stride 0 along the first axis.
        values: what is assigned to the view.
        between: what stands between the elements of "strided", so that not all that is around a view is one number that
            code could recognise; the same as elsewhere if None.
    """
    axes = len(shape)
    if layout == "expanded" and axes and shape[0] > 1 and bool((values == values[:1]).all()):
        buffer = fresh(shape[1:])
        buffer[...] = values[0]
        return Argument(expand(buffer, shape), buffer)
    if layout == "offset":
        size = int(np.prod(shape, dtype=np.int64))
        buffer = fresh((size + 2 * OFFSET,))
        view = buffer[OFFSET : OFFSET + size].reshape(shape)
    elif layout == "transposed" and axes >= 2:
        buffer = fresh((*shape[:-2], shape[-1], shape[-2]))
        view = buffer.swapaxes(-1, -2)
    elif layout == "exchanged" and axes >= 3:
        buffer = fresh((shape[-2], *shape[1:-2], shape[0], shape[-1]))
        view = buffer.swapaxes(0, -2)
    elif layout in ("transposed", "strided") and axes:
        buffer = fresh((*shape[:-1], 2 * shape[-1]))
        view = buffer[..., ::2]
        if layout == "strided" and between is not None:
            buffer[..., 1::2] = between
    elif layout == "sliced" and axes:
        buffer = fresh((*shape[:-1], shape[-1] + 2 * OFFSET))
        view = buffer[..., OFFSET : OFFSET + shape[-1]]
    elif layout == "cut" and axes >= 2:
        buffer = fresh((*shape[:-2], shape[-2] + OFFSET, shape[-1]))
        view = buffer[..., : shape[-2], :]
    elif layout == "reversed" and axes:
        buffer = fresh(shape)
        view = buffer[(slice(None, None, -1),) * axes]
    else:
        buffer = fresh(shape)
        view = buffer[...] if layout == "read-only" else buffer
    view[...] = values
    if layout == "read-only":
        view.flags.writeable = False
    return Argument(view, buffer)


def array_output(kind: str, dtype: str, shape: Sequence[int], device: str, values: Array | None) -> Output:
    """Describe an array. bfloat16 travels as float32; values of a dtype that a frame cannot carry are left out."""
    if values is not None and dtype == "bfloat16":
        values = values.astype(np.float32)
    carried = values if values is not None and values.dtype.name in CARRIED else None
    return Output(kind, carried, dtype, tuple(shape), device)


def split_outputs(result: Any, expected: int) -> list[Any]:
    """Return the outputs of a result. A tuple or list is taken apart only if several outputs are expected.

    One that has other items where it is indexed than where it is looped over is none.
    """
    if expected == 1 or not isinstance(result, (tuple, list)):
        return [result]
    found = list(result)
    return found if all(result[place] is each for place, each in enumerate(found)) else [result]


def type_name(value: object) -> str:
    """Return the name of a value's type, with its module unless it is built in."""
    if value is None:
        return "None"
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
