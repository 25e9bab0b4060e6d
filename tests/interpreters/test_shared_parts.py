"""Heads and layers that share parts: the mutants have the values of code that makes the mistake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.shared_parts import shared_parts
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
