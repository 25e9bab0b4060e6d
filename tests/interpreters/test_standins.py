"""Functions that stand in for those of a formula are what PyTorch has under their names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attnspec.interpreters.standins import STAND_INS, stand_ins
from attnspec.interpreters.value import evaluate
from attnspec.language.equation import REGISTRY
from attnspec.verify.api import catalogue
from trees import read

torch = pytest.importorskip("torch")
catalogue()

NAMED: dict[str, tuple[str, Any]] = {
    "hard-sigmoid": ("sigmoid(x)", torch.nn.functional.hardsigmoid),
    "hard-sigmoid-keras": ("sigmoid(x)", lambda x: (0.2 * x + 0.5).clamp(0, 1)),
    "hard-tanh": ("tanh(x)", torch.nn.functional.hardtanh),
    "leaky-relu": ("relu(x)", torch.nn.functional.leaky_relu),
    "silu-relu": ("relu(x)", torch.nn.functional.silu),
    "silu-gelu": ("gelu(x)", torch.nn.functional.silu),
    "quick-gelu": ("gelu(x)", lambda x: x * torch.sigmoid(1.702 * x)),
    **{f"cap-{cap}": (
        "softmax(i, x[i])", lambda x, cap=cap: torch.softmax(cap * torch.tanh(x / cap), 0)
    ) for cap in (20, 30, 50)},
}  # fmt: skip


@pytest.mark.parametrize("name", STAND_INS)
def test_it_is_what_it_says(name: str) -> None:
    written, expected = NAMED[name]
    index = '    i = indices("n")\n' if "[i]" in written else ""
    result = f"({written}).stack(i)" if index else written
    tree = read(f'def f(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:\n{index}    return {result}')
    found = {each.id.removeprefix("instead/"): each for each in stand_ins(tree)}[name]
    x = np.linspace(-60, 60, 241)

    np.testing.assert_allclose(evaluate(found.definition, (x,), {}), expected(torch.from_numpy(x)), rtol=0, atol=1e-13)


def test_they_reach_what_is_called() -> None:
    found = {each.id for each in stand_ins(REGISTRY["transformer.encoder"].definition)}

    assert {"instead/cap-30", "instead/leaky-relu"} <= found
    assert not list(stand_ins(REGISTRY["attention.context_vector"].definition))
