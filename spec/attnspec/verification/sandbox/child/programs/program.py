"""What is common to programs that are not Python callables: their description, and batches of a fixed size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from attnspec.verification.sandbox import targets
from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.targets import CallableInfo, Network

Inputs = Mapping[str, Any]
Shape = tuple[int, ...]

OPEN = -1
"""The size of an axis that may have any size."""


class Program(ABC):
    """A program that takes named arrays and returns arrays.

    Attributes:
        framework: whose arrays it takes.
        kinds: what it is, for the layouts of its weights, such as "onnx.GRU".
        untraced: why it cannot be evaluated in balls; "" if it can be tried.
    """

    framework = "numpy"
    kinds: tuple[str, ...] = ()
    untraced = ""

    @property
    @abstractmethod
    def inputs(self) -> Mapping[str, Shape | None]:
        """{parameter: its shape}; None for a shape that is not known."""

    @property
    @abstractmethod
    def dtype(self) -> str:
        """The dtype of its floating-point arrays."""

    @property
    def weights(self) -> Mapping[str, Any]:
        """{name of a weight that can be replaced: its values, as an array of NumPy}."""
        return {}

    @abstractmethod
    def run(self, inputs: Inputs, weights: Inputs) -> Sequence[Any]:
        """Run the program.

        Args:
            inputs: arrays by parameter.
            weights: the weights that are replaced, by name.

        Returns:
            The outputs, in order.
        """

    def __call__(self, *args: Any, **inputs: Any) -> Any:
        return self.call(*args, weights={}, **inputs)

    def call(self, *args: Any, weights: Inputs, **inputs: Any) -> Any:
        """Return the output of a call with other weights; several outputs as a tuple."""
        named = {**dict(zip(self.inputs, args, strict=False)), **inputs}
        outputs = in_batches(partial(self.run, weights=weights), named, self.inputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def describe(self, name: str) -> CallableInfo:
        """Describe it as a callable of this name."""
        weights = {key: values for key, values in self.weights.items() if values.dtype.kind == "f"}
        known = {key: shape for key, shape in self.inputs.items() if shape is not None}
        state = {key: tuple(map(int, values.shape)) for key, values in weights.items()}
        return CallableInfo(
            name,
            type(self).__module__,
            (),
            tuple(map(Parameter, self.inputs)),
            self.framework,
            Network(self.kinds, state, {}),
            (),
            targets.Program(self.dtype, known, weights),
        )


def in_batches(
    run: Callable[[Inputs], Sequence[Any]], inputs: Inputs, shapes: Mapping[str, Shape | None]
) -> Sequence[Any]:
    """Run a program that may have a batch axis of a fixed size on a batch of any size.

    The batch is taken apart along the first axis of which the fixed size differs from the given one. The last part is
    filled up with its last example; of an empty batch, with zeros.

    Args:
        run: runs the program on inputs of the fixed size.
        inputs: arrays by parameter.
        shapes: {parameter: its shape}, with `OPEN` for a size that is not fixed.
    """
    axes = {name: _fixed_axis(getattr(array, "shape", ()), shapes.get(name)) for name, array in inputs.items()}
    split = {name: axis for name, axis in axes.items() if axis is not None}
    if not split:
        return run(inputs)
    name, axis = next(iter(split.items()))
    count, size = inputs[name].shape[axis], (shapes[name] or ())[axis]
    parts = [
        run({key: _part(array, split.get(key), start, size) for key, array in inputs.items()})
        for start in range(0, max(count, 1), size)
    ]
    return [_joined(outputs, axis, count) for outputs in zip(*parts, strict=True)]


def _fixed_axis(given: Shape, declared: Shape | None) -> int | None:
    """The first axis that has another size than the only one that is allowed; None if there is none."""
    if declared is None or len(declared) != len(given):
        return None
    return next((axis for axis, size in enumerate(declared) if size > 0 and size != given[axis]), None)


def _part(array: Any, axis: int | None, start: int, size: int) -> Any:
    """`size` examples from one on, filled up at the end."""
    if axis is None:
        return array
    before = (slice(None),) * axis
    part = array[(*before, slice(start, start + size))]
    missing = size - part.shape[axis]
    if not missing:
        return part
    shape = (*array.shape[:axis], size, *array.shape[axis + 1 :])
    whole = array.new_zeros(shape) if hasattr(array, "new_zeros") else _zeros(array, shape)
    whole[(*before, slice(0, size - missing))] = part
    if missing < size:
        whole[(*before, slice(size - missing, size))] = part[(*before, slice(-1, None))]
    return whole


def _zeros(array: Any, shape: Shape) -> Any:
    return np.zeros(shape, array.dtype)


def _joined(parts: Sequence[Any], axis: int, count: int) -> Any:
    """The outputs of all parts one after the other along an axis, without what was filled up."""
    first = parts[0]
    shape = (*first.shape[:axis], sum(part.shape[axis] for part in parts), *first.shape[axis + 1 :])
    whole = first.new_zeros(shape) if hasattr(first, "new_zeros") else _zeros(first, shape)
    start = 0
    for part in parts:
        whole[(slice(None),) * axis + (slice(start, start + part.shape[axis]),)] = part
        start += part.shape[axis]
    kept = whole[(slice(None),) * axis + (slice(0, count),)]
    return first.__array_namespace__().asarray(kept) if hasattr(first, "__array_namespace__") else kept
