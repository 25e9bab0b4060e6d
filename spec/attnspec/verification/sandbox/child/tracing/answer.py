"""The answer of a candidate in balls: which numbers it would give if nothing rounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

from attnspec.interpreters.balls.arrays import exactly, to_limbs
from attnspec.interpreters.balls.ball import Undecided, Untraceable, exact, working
from attnspec.language.layers import gathered
from attnspec.verification.sandbox.child.adapter import adapted
from attnspec.verification.sandbox.child.arrays import Arrays, split_outputs
from attnspec.verification.sandbox.child.autodiff import Progress, differentiate
from attnspec.verification.sandbox.child.tracing import jaxpr, torch_operations
from attnspec.verification.sandbox.child.tracing.numpy_functions import Buffers, replaced
from attnspec.verification.sandbox.child.tracing.reasons import unexpected
from attnspec.verification.sandbox.messages import Outcome, Output, Request
from attnspec.verification.sandbox.wire import Array

Call = Callable[[Mapping[str, Any]], Any]


@dataclass
class _Call:
    """A call that is traced.

    Attributes:
        request: the request.
        arrays: the arrays of its framework.
        function: the candidate, as a function of its arguments by name.
        values: its arguments in the framework, options included.
    """

    request: Request
    arrays: Arrays
    function: Call
    values: Mapping[str, Any]

    def run(self, values: Mapping[str, Any]) -> Any:
        """Call the candidate, or differentiate it."""
        gradients = self.request.gradients
        if gradients is None:
            return self.function(values)
        return differentiate(self.arrays, self.function, values, gradients, Progress())

    @property
    def outputs(self) -> int:
        """The number of arrays that it returns."""
        return self.request.outputs


def answer(request: Request, function: Callable[..., Any], arrays: Arrays, begin: Callable[[], None]) -> Outcome:
    """Make a call in balls.

    Returns:
        An outcome whose outputs hold the balls as `to_limbs` makes numbers of them, with these along a last axis; or
        one that says why it could not be traced.
    """
    given = [float(value) for value in request.options.values() if isinstance(value, float)]
    with arrays.mode(request.dtype), working(given=given):
        try:
            placed = {n: arrays.place(a, request.dtype, request.device, "contiguous").view for n, a in _all(request)}
            values = gathered({**request.options, **placed})
            call = _Call(
                request,
                arrays,
                adapted(function, request, arrays),
                {**values, "dtype": arrays.dtype(request.dtype)},
            )
            begin()
            balls = _TRACERS[request.framework](call)
            outputs = tuple(_output(each) for each in balls)
        except (Untraceable, Undecided) as reason:
            return Outcome("ok", untraced=str(reason))
        except Exception as error:
            return Outcome("ok", untraced=unexpected(error, request.framework))
    return Outcome("ok", outputs=outputs)


def _all(request: Request) -> list[tuple[str, Array]]:
    return [*request.arrays.items()]


def _output(balls: Any) -> Output:
    limbs = np.moveaxis(to_limbs(balls), 0, -1)
    return Output("balls", np.ascontiguousarray(limbs), "float64", limbs.shape, "cpu")


def _numpy(call: _Call) -> list[Any]:
    """NumPy code runs on arrays of balls; its options are exact numbers if it can compute with them."""
    format = np.dtype(call.arrays.dtype(call.request.dtype))
    if not call.request.buffers:
        return _on_balls_with(call, format, None)
    try:  # whole numbers that are balls are no indices
        return _on_balls_with(call, format, Buffers(True, {format}))
    except Exception:
        return _on_balls_with(call, format, Buffers(False, {format}))


def _on_balls_with(call: _Call, format: np.dtype[Any], buffers: Buffers | None) -> list[Any]:
    """Run NumPy code with functions that take balls.

    The limits of an array of balls, `numpy.finfo` of its dtype, are those of the format that it stands for.
    """
    limits = np.finfo

    class Limits(limits):  # type: ignore[misc,valid-type]  # a class, since a package that is imported now may derive its own
        def __new__(cls, dtype: Any) -> Any:
            if dtype != np.dtype(object):
                return limits(dtype)
            if buffers is not None and buffers.formats != {format}:
                raise Untraceable("the limits of a format are asked, and arrays of two hold balls")
            return limits(format)

    with mock.patch.object(np, "finfo", Limits), replaced(buffers):
        return _on_balls(call)


def _on_balls(call: _Call) -> list[Any]:
    balls = {
        name: exactly(array) if array.dtype.kind == "f" else array.copy() for name, array in call.request.arrays.items()
    }
    options = call.request.options
    exact_options = {name: exact(value) if isinstance(value, float) else value for name, value in options.items()}
    for chosen in (exact_options, options):
        try:
            return split_outputs(call.run({**gathered({**chosen, **balls}), "dtype": np.dtype(object)}), call.outputs)
        except Exception:
            if chosen is options or not any(isinstance(value, float) for value in options.values()):
                raise
    raise AssertionError("the second call returns or raises")


def _torch(call: _Call) -> list[Any]:
    arrays: Any = call.arrays
    torch, inputs = arrays.torch, _tensors(arrays.torch, call.values)
    result, tracer = torch_operations.trace(torch, lambda: call.run(call.values), inputs)
    outputs = split_outputs(result, call.outputs)
    if not call.request.arrays and all(type(each) is int for each in outputs):  # numbers that sizes alone give
        return [np.asarray(each) for each in outputs]
    return [_beside(torch, tracer, each) for each in outputs]


def _tensors(torch: Any, value: Any) -> list[Any]:
    """All tensors in the arguments."""
    if isinstance(value, torch.Tensor):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [tensor for item in items for tensor in _tensors(torch, item)]


def _beside(torch: Any, tracer: Any, value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        raise Untraceable(f"it returns {type(value).__name__}")
    return tracer.array(value)


def _jax(call: _Call) -> list[Any]:
    arrays: Any = call.arrays
    names = [*call.request.arrays]
    placed = {
        n: arrays.place(a, call.request.dtype, call.request.device, "contiguous").view for n, a in _all(call.request)
    }

    def function(inputs: Any) -> Any:
        options = {**call.request.options, "dtype": call.values["dtype"]}
        return call.run(gathered({**options, **dict(zip(names, inputs, strict=True))}))

    return split_outputs(jaxpr.trace(arrays.jax, function, [placed[name] for name in names]), call.outputs)


_TRACERS: dict[str, Callable[[_Call], list[Any]]] = {"numpy": _numpy, "torch": _torch, "jax": _jax}
