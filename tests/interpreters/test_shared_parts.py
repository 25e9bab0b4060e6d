"""Heads and layers that share parts: the mutants have the values of code that makes the mistake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.shared_parts import one_softmax, shared_parts, states_handed_up
from attnspec.language.check import check
from synthetic import Array, case_of

HEADS, LAYERS = "multihead.attention", "self_attention.stacked"


def softmax(e: Array) -> Array:
    p = np.exp(e - e.max(-1, keepdims=True))
    return np.asarray(p / p.sum(-1, keepdims=True))


def attention(arrays: dict[str, Array], heads: int, keys: list[int], values: list[int], average: bool = False) -> Array:
    """Multi-head attention, each head with the keys and the values of a head of its own."""
    q, k, v = (
        np.stack(np.split(arrays[x] @ arrays[W], heads, -1))
        for x, W in (("x_q", "W_q"), ("x_kv", "W_k"), ("x_kv", "W_v"))
    )
    weights = softmax(q @ np.swapaxes(k[keys], -1, -2) / np.sqrt(q.shape[-1]))
    weights = np.broadcast_to(weights.mean(0), weights.shape) if average else weights
    return np.concatenate([*(weights @ v[values])], -1) @ arrays["W_o"]


@pytest.mark.parametrize(
    ("says", "wrong"),
    [
        ("at every h k and v of number 2⌊h/2⌋ are read", lambda a: attention(a, 4, [0, 0, 2, 2], [0, 0, 2, 2])),
        ("at every h k and v of the first one are read", lambda a: attention(a, 4, [0] * 4, [0] * 4)),
        ("at every h k of the reverse order are read", lambda a: attention(a, 4, [3, 2, 1, 0], [0, 1, 2, 3])),
        (
            "what q and k give is averaged over h, and used at every h",
            lambda a: attention(a, 4, [0, 1, 2, 3], [0, 1, 2, 3], average=True),
        ),
    ],
)
def test_a_mutant_has_the_value_of_the_mistake(says: str, wrong: Callable[[dict[str, Array]], Array]) -> None:
    case = case_of(HEADS, n=3, m=4, c=5, d=2, H=4)
    (mutant,) = [each for each in shared_parts(REGISTRY[HEADS].definition) if each.says == says]

    value = evaluate(mutant.definition, (), case.arguments)

    np.testing.assert_allclose(np.asarray(value), wrong(dict(case.arrays)), rtol=1e-12)


def test_all_layers_may_have_the_weights_of_the_first() -> None:
    found = [mutant.says for mutant in shared_parts(REGISTRY[LAYERS].definition)]

    assert "at every l W_q, W_k and W_v of the first one are read" in found


def test_one_softmax_is_over_the_keys_of_all_heads() -> None:
    case = case_of(HEADS, n=3, m=4, c=5, d=2, H=4)
    (mutant,) = one_softmax(REGISTRY[HEADS].definition)
    a = case.arrays
    q, k, v = (np.stack(np.split(a[x] @ a[W], 4, -1)) for x, W in (("x_q", "W_q"), ("x_kv", "W_k"), ("x_kv", "W_v")))
    scores = np.moveaxis(q @ np.swapaxes(k, -1, -2) / np.sqrt(2), 0, 1)
    weights = np.moveaxis(softmax(scores.reshape(3, -1)).reshape(scores.shape), 1, 0)

    value = evaluate(mutant.definition, (), case.arguments)

    np.testing.assert_allclose(np.asarray(value), np.concatenate([*(weights @ v)], -1) @ a["W_o"], rtol=1e-12)


@pytest.mark.parametrize("id", [*REGISTRY])
def test_one_softmax_is_tried_where_a_call_gives_one_matrix(id: str) -> None:
    """A gradient gives several results, and its softmax is inside."""
    for mutant in one_softmax(REGISTRY[id].definition):
        check(mutant.definition)


def test_layers_hand_up_another_state() -> None:
    """Of two layers, the upper one reads the cells of the lower one; what comes back is still hidden states."""
    generator = np.random.default_rng(0)

    def layer(width: int) -> tuple[Array, ...]:
        gates = ((generator.normal(size=(width, 2)), generator.normal(size=(2, 2)), generator.normal(size=2)),) * 4
        return (generator.normal(size=2), generator.normal(size=2), *(array for gate in gates for array in gate))

    def run(x: Array, h: Array, c: Array, *w: Array) -> tuple[Array, Array, Array]:
        states, cells = [], []
        for row in x:
            i, f, g, o = (row @ w[3 * gate] + h @ w[3 * gate + 1] + w[3 * gate + 2] for gate in range(4))
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            states.append(h)
            cells.append(c)
        return np.stack(states), np.stack(cells), c

    (mutant,) = states_handed_up(REGISTRY["recurrent.stacked_lstm"].definition)
    x, below, above = generator.normal(size=(4, 3)), layer(3), layer(2)
    h, _, c = run(run(x, *below)[1], *above)

    found = evaluate(mutant.definition, (x, (below, above)), {})

    for value, expected in zip(found, (h, c), strict=True):
        np.testing.assert_allclose(np.asarray(value), expected, rtol=1e-10)


def test_layers_of_one_state_hand_up_no_other() -> None:
    assert not [*states_handed_up(REGISTRY["recurrent.stacked_gru"].definition)]
