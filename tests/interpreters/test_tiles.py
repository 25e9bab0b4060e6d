"""Slips of kernels that cut an axis into tiles are what such kernels give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.function_substitutions import function_substitutions
from attnspec.interpreters.mutation.tiling_errors import TILING_ERRORS, tiling_errors
from attnspec.language import layers
from attnspec.language.equation import REGISTRY
from planted.tiles import online
from trees import read

U = 2.0**-53
"""Half a unit in the last place of 1: weights are that or less."""


@pytest.mark.parametrize("slip", [*tiling_errors(REGISTRY["attention.weights"].definition)], ids=lambda slip: slip.id)
@pytest.mark.parametrize("length", [7, 16, 41, 140])
def test_it_is_what_a_kernel_gives(slip: Any, length: int) -> None:
    e = np.random.Generator(np.random.Philox(length)).normal(size=(3, length))
    _, name, tile = slip.id.split("/")

    with np.errstate(invalid="ignore"):
        found = evaluate(slip.definition, (e,), {})
    np.testing.assert_allclose(found, online(e, int(tile), name, None), rtol=0, atol=8 * U)


@pytest.mark.parametrize("slip", [*tiling_errors(REGISTRY["attention.causal"].definition)], ids=lambda slip: slip.id)
def test_it_is_what_a_causal_kernel_gives(slip: Any) -> None:
    draw = np.random.Generator(np.random.Philox(1))
    q, k, v = (draw.normal(size=(length, 3)) for length in (20, 45, 45))
    _, name, tile = slip.id.split("/")

    found = evaluate(slip.definition, (q, k, v), {})
    weights = online(q @ k.T / np.sqrt(3), int(tile), name, 25)
    np.testing.assert_allclose(found, weights @ v, rtol=0, atol=64 * U)


@pytest.mark.parametrize("name", ["hidden-first", "hidden-last"])
def test_scores_far_below_0_underflow_where_the_tile_that_is_read_first_is_hidden(name: str) -> None:
    """Of 20 scores some hundreds below 0 the first or the last 8 are hidden in the first row, but not in the second."""
    definition = REGISTRY["attention.masked"].definition
    slip = next(each for each in tiling_errors(definition) if each.id == f"tile/{name}/8")
    k = np.linspace(1.0, 2.0, 20)[:, None]
    q, v, mask = np.full((2, 1), -900.0), k, np.ones((2, 20), bool)
    mask[0, slice(8) if name == "hidden-first" else slice(16, None)] = False

    expected, found = (evaluate(one, (q, k, v, mask), {}) for one in (definition, slip.definition))
    assert found[0] == 0 != expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_every_slip_is_of_some_softmax() -> None:
    found = {
        each.id.split("/")[1]
        for id in ("attention.scaled_dot_product", "attention.causal")
        for each in tiling_errors(REGISTRY[id].definition)
    }

    assert found == set(TILING_ERRORS)
    assert not list(tiling_errors(REGISTRY["recurrent.gru"].definition))


def test_what_calls_a_softmax_has_its_slips() -> None:
    direct, calling = (
        tiling_errors(REGISTRY[id].definition) for id in ("attention.weights", "transformer.encoder_layer")
    )

    assert [each.id for each in direct] == [each.id for each in calling]


LAYERED = """def f(x: Float[Tensor, "t c"], layers: Layers) -> Float[Tensor, "t e_L"]:
    return through(layers, self_attention_causal, x)
"""


@pytest.mark.parametrize("kind", [tiling_errors, function_substitutions])
def test_every_layer_has_the_errors_of_its_softmax(kind: Any) -> None:
    """A softmax in each of several layers has the tiling errors and the capped scores of one that stands alone."""
    alone, layered = REGISTRY["self_attention.causal"].definition, layers.known(read(LAYERED))
    arrays = [np.random.Generator(np.random.Philox(k)).normal(size=(20 if k == 0 else 3, 3)) for k in range(7)]
    x, bottom, top = arrays[0], arrays[1:4], arrays[4:7]

    expected, found = list(kind(alone)), list(kind(layered))

    assert [each.id for each in found] == [each.id for each in expected] != []
    for one, both in zip(expected, found, strict=True):
        twice = evaluate(one.definition, (evaluate(one.definition, (x, *bottom), {}), *top), {})
        np.testing.assert_array_equal(evaluate(both.definition, (x, (bottom, top)), {}), twice)
