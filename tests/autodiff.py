"""Gradients by PyTorch's automatic differentiation of an equation's value: independent of those that are derived."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from array_api_compat import array_namespace

from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.language.tree import Definition
from attnspec.verification.cases.case import Case


class Differentiable(ValueOf):
    """PyTorch's own sigmoid: the specification's is made of |x|, which has no derivative at 0."""

    def sigmoid(self, x: Any) -> Any:
        return torch.sigmoid(x)


def differentiated(
    definition: Definition, gradient: Definition, case: Case
) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """The gradients of an equation by its floating-point arguments, by automatic differentiation.

    Args:
        definition: the equation.
        gradient: the equation of its gradients, whose first parameters are the gradients of the results.
        case: the arguments of `gradient`, a single example.
    """
    own = [parameter.name for parameter in definition.parameters]
    arrays = {name: torch.from_numpy(case.arrays[name]) for name in own}
    asked = [arrays[p.name].requires_grad_() for p in definition.parameters if p.kind == "float"]
    shapes = {name: tuple(array.shape) for name, array in arrays.items()}
    sizes, batch = fit(definition, shapes, case.options)
    assert not batch_shape(definition, arrays)
    results, _ = Differentiable(array_namespace(*asked)).run(definition, arrays, case.options, sizes, batch)
    whole = [
        result.broadcast_to(tuple(dim.value(sizes) for dim in announced.dims))
        for result, announced in zip(results, definition.results, strict=True)
        if announced.kind == "float"
    ]
    given = [torch.from_numpy(case.arrays[p.name]) for p in gradient.parameters[: len(whole)]]
    pairs = [pair for pair in zip(whole, given, strict=True) if pair[0].requires_grad]
    if not pairs:
        return [np.zeros(array.shape) for array in asked]
    values, incoming = zip(*pairs, strict=True)
    found = torch.autograd.grad(values, asked, incoming, materialize_grads=True)
    return [array.numpy() for array in found]
