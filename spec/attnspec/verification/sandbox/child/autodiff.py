"""Automatic differentiation of a candidate by its framework, in the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attnspec.verification.sandbox.child.arrays import Arrays, split_outputs
from attnspec.verification.sandbox.child.arrays_jax import JaxArrays
from attnspec.verification.sandbox.child.arrays_torch import TorchArrays
from attnspec.verification.sandbox.messages import Gradients, Pass

Call = Callable[[Mapping[str, Any]], Any]
"""The candidate, as a function of its arguments by name."""

Backward = Callable[[], list[Any]]
"""Runs the backward pass of a call, and returns the gradients."""


@dataclass
class Progress:
    """How far a differentiation has come.

    Attributes:
        during: the pass that is running, or that was the last one; None when both are done.
        detached: no output depends on an input, as far as the framework can tell.
    """

    during: Pass | None = None
    detached: bool = False


def differentiate(
    arrays: Arrays, call: Call, values: Mapping[str, Any], gradients: Gradients, progress: Progress
) -> Any:
    """Return the gradients of a call: an array, or a list if there are several.

    If the outputs of the call do not fit the gradients given, they are returned themselves, and `progress.during`
    stays "forward".

    Args:
        values: the arguments of the callable, and the gradients of its outputs, by name.
        progress: updated on the way, also when an error is raised.
    """
    progress.during = "forward"
    result, backward = _FORWARD[type(arrays)](arrays, call, values, gradients, progress)
    if backward is None:
        return result
    progress.during = "backward"
    answer = backward()
    if gradients.repeat:
        answer = backward()
    progress.during = None
    return answer if len(answer) > 1 else answer[0]


def _torch_forward(
    arrays: Any, call: Call, values: Mapping[str, Any], gradients: Gradients, progress: Progress
) -> tuple[Any, Backward | None]:
    """Run the forward pass on leaves that lie in memory as the arguments do. A gradient that does not arrive is 0."""
    torch = arrays.torch
    inputs = [values[name].detach().requires_grad_() for name in gradients.inputs]
    output_gradients = [values[name] for name in gradients.output_gradients]
    result = call({**values, **dict(zip(gradients.inputs, inputs, strict=True))})
    outputs = _floating(result, gradients)
    if not _fit(arrays, outputs, output_gradients):
        return result, None
    progress.detached = not any(output.requires_grad for output in outputs)

    def first_order() -> list[Any]:
        answer = _torch_grad(torch, outputs, inputs, output_gradients, retain_graph=gradients.repeat)
        return _zeros_for_none(torch, inputs, answer)

    def second_order() -> list[Any]:
        leaves = [gradient.detach().requires_grad_() for gradient in output_gradients]
        first = _torch_grad(torch, outputs, inputs, leaves, create_graph=True)
        pairs = [(gradient, values[name]) for gradient, name in zip(first, gradients.second_order, strict=True)]
        pairs = [(gradient, weight) for gradient, weight in pairs if gradient is not None and gradient.requires_grad]
        progress.detached = not pairs
        every = [*leaves, *inputs]
        answer = _torch_grad(torch, [gradient for gradient, _ in pairs], every, [weight for _, weight in pairs])
        return _zeros_for_none(torch, every, answer)

    return result, second_order if gradients.second_order else first_order


def _torch_grad(
    torch: Any, outputs: Sequence[Any], inputs: Sequence[Any], output_gradients: Sequence[Any], **options: bool
) -> list[Any]:
    """Return the gradients by the inputs; None for an input on which no output depends."""
    pairs = [pair for pair in zip(outputs, output_gradients, strict=True) if pair[0].requires_grad]
    if not pairs:
        return [None] * len(inputs)
    attached, weights = zip(*pairs, strict=True)
    return list(torch.autograd.grad(attached, inputs, weights, allow_unused=True, **options))


def _zeros_for_none(torch: Any, inputs: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
    pairs = zip(inputs, gradients, strict=True)
    return [torch.zeros_like(leaf).detach() if gradient is None else gradient for leaf, gradient in pairs]


def _jax_forward(
    arrays: Any, call: Call, values: Mapping[str, Any], gradients: Gradients, progress: Progress
) -> tuple[Any, Backward | None]:
    """Run the forward pass by jax.vjp."""
    jax = arrays.jax
    inputs = {name: values[name] for name in gradients.inputs}
    output_gradients = [values[name] for name in gradients.output_gradients]

    def run(inputs: dict[str, Any]) -> tuple[list[Any], Any]:
        result = call({**values, **inputs})
        return _floating(result, gradients), result

    outputs, pull_back, result = jax.vjp(run, inputs, has_aux=True)
    if not _fit(arrays, outputs, output_gradients):
        return result, None

    def first_order() -> list[Any]:
        (by_name,) = pull_back(output_gradients)
        return [by_name[name] for name in gradients.inputs]

    def first_order_of(output_gradients: list[Any], inputs: dict[str, Any]) -> list[Any]:
        _, pull_back, _ = jax.vjp(run, inputs, has_aux=True)
        (by_name,) = pull_back(output_gradients)
        return [by_name[name] for name in gradients.inputs]

    def second_order() -> list[Any]:
        _, pull_back = jax.vjp(first_order_of, output_gradients, inputs)
        by_outputs, by_inputs = pull_back([values[name] for name in gradients.second_order])
        return [*by_outputs, *(by_inputs[name] for name in gradients.inputs)]

    return result, second_order if gradients.second_order else first_order


_FORWARD: dict[type[Arrays], Callable[..., tuple[Any, Backward | None]]] = {
    TorchArrays: _torch_forward,
    JaxArrays: _jax_forward,
}


def _floating(result: Any, gradients: Gradients) -> list[Any]:
    """Return the outputs that have gradients; all of them if there are more or fewer than there should be."""
    outputs = split_outputs(result, gradients.outputs)
    if len(outputs) != len(gradients.floating):
        return outputs
    return [output for output, floating in zip(outputs, gradients.floating, strict=True) if floating]


def _fit(arrays: Arrays, outputs: Sequence[Any], output_gradients: Sequence[Any]) -> bool:
    """Return whether outputs and the gradients given have the same kinds, dtypes, shapes and devices."""
    return [_form(arrays, output) for output in outputs] == [_form(arrays, one) for one in output_gradients]


def _form(arrays: Arrays, value: Any) -> tuple[object, ...]:
    output = arrays.describe(value)
    return output.kind, output.dtype, output.shape, output.device
