"""A gradient is what automatic differentiation makes of the equation, and takes and gives what a gradient does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from array_api_compat import array_namespace
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float

from attnspec import Source, equation
from attnspec.errors import SpecError
from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.equation import REGISTRY, Equation
from attnspec.notation import Tensor, tanh
from attnspec.verification.cases.case import Case
from attnspec.verification.properties.relations import noise_under
from strategies import cases

GRADIENTS = [item.id for item in REGISTRY.values() if item.gradient_of]


class Differentiable(ValueOf):
    """PyTorch's own sigmoid: the specification's is made of |x|, which has no derivative at 0."""

    def sigmoid(self, x: Any) -> Any:
        return torch.sigmoid(x)


def differentiated(of: Equation[..., Any], case: Case) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """What PyTorch's automatic differentiation makes of the equation that `of` is the gradient of."""
    definition = REGISTRY[of.gradient_of].definition
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
    given = [torch.from_numpy(case.arrays[p.name]) for p in of.definition.parameters[: len(whole)]]
    return [found.numpy() for found in torch.autograd.grad(whole, asked, given, materialize_grads=True)]


@pytest.mark.parametrize("id", GRADIENTS)
@settings(max_examples=3 * settings().max_examples)  # each is cheap
@given(data=st.data())
def test_gradients_are_those_of_automatic_differentiation(id: str, data: st.DataObject) -> None:
    """In float64, whatever the inputs, within what the two may round apart."""
    of = REGISTRY[id]
    case = data.draw(cases(id))

    expected = differentiated(of, case)
    if id == "backward.embedding_padding_idx":
        expected[0][case.options["padding_idx"]] = 0  # that row is not to learn, which no derivative knows

    for item, other, result in zip(noise_of(id)(case.arguments), expected, of.definition.results, strict=True):
        apart = np.abs(np.asarray(item.value) - other)
        assert ((apart <= item.bound) | item.undecidable).all(), f"{case.description}: {result.name} {apart.max()}"


def noise_of(id: str) -> Any:
    return noise_under(REGISTRY[id], preset("op-by-op", "float64"))


def test_every_gradient_is_found_by_its_equation() -> None:
    assert all(REGISTRY.gradient(REGISTRY[id].gradient_of) is REGISTRY[id] for id in GRADIENTS)
    assert REGISTRY.gradient("position.add") is None


def test_results_are_named_after_what_they_are_the_gradients_of() -> None:
    for id in GRADIENTS:
        wanted = [p.name for p in REGISTRY[REGISTRY[id].gradient_of].definition.parameters if p.kind == "float"]
        assert [result.name for result in REGISTRY[id].definition.results] == [f"d_{name}" for name in wanted]


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    monkeypatch.setattr(REGISTRY, "_entries", dict(REGISTRY))


@pytest.mark.usefixtures("scratch")
def test_a_gradient_takes_and_gives_what_its_equation_says() -> None:
    @equation(Source(paper="a probe"))
    def squashed(x: Float[Tensor, " d"], y: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
        """One tanh."""
        return tanh(x) * y

    with pytest.raises(SpecError, match="does not have the parameters") as taken:

        @equation(gradient_of=squashed)
        def misnamed(g: Float[Tensor, " d"], x: Float[Tensor, " d"], y: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
            """The first is no d_…."""
            return g * y

    with pytest.raises(SpecError, match="does not have the parameters"):

        @equation(gradient_of=squashed)
        def unordered(d_o: Float[Tensor, " d"], y: Float[Tensor, " d"], x: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
            """Another order."""
            return d_o * y

    with pytest.raises(SpecError, match="does not have the results") as returned:

        @equation(gradient_of=squashed)
        def too_few(d_o: Float[Tensor, " d"], x: Float[Tensor, " d"], y: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
            """One of two."""
            return d_o * y

    assert taken.value.given == "g (d), x (d), y (d)"
    assert taken.value.expected == "d_o (d), x (d), y (d)"
    assert returned.value.given == "result (d)"
    assert returned.value.expected == "d_x (d), d_y (d)"
