"""Mistakes with what a condition compares compute what their sentences say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.condition_errors import condition_errors
from attnspec.language.check import check
from trees import read

Array = NDArray[Any]

RANDOM = np.random.default_rng(5)

BEFORE = read(
    """def f(p: Float[Tensor, " v"]) -> Float[Tensor, " v"]:
    j, k = indices("v", "v")
    before = sum(j, p[j], where=(p[j] > p[k]) | ((p[j] == p[k]) & (j < k)))
    return before.stack(k)
"""
)
"""What the larger elements of a row add up to; the first of equals comes first."""

VALUES = np.array([0.25, 0.125, 0.25, 0.375, 0.125, 0.25])


def found(definition: Any, part: str, *arrays: Array, **options: float) -> Array:
    [tree] = [each.definition for each in condition_errors(definition) if each.says.endswith(part)]
    return np.asarray(evaluate(tree, arrays, options))


def sums(comes_first: Any) -> Array:
    """Of each element the sum of those that come before it."""
    places = range(len(VALUES))
    return np.array([sum(VALUES[j] for j in places if comes_first(VALUES[j] - VALUES[k], j, k)) for k in places])


@pytest.mark.parametrize(
    ("part", "comes_first"),
    [
        ("of equals the last comes first", lambda more, j, k: more > 0 or (more == 0 and j > k)),
        ("equals are on a par", lambda more, j, k: more > 0),
        ("so that each of equals comes before all", lambda more, j, k: more >= 0),
        ("the place of k itself counts too", lambda more, j, k: more > 0 or (more == 0 and j <= k)),
    ],
)
def test_the_order_of_equals_and_of_the_place_itself(part: str, comes_first: Any) -> None:
    np.testing.assert_allclose(found(BEFORE, part, VALUES), sums(comes_first), rtol=1e-15)


def test_the_place_itself_counts_unless_it_is_the_first() -> None:
    right = sums(lambda more, j, k: more > 0 or (more == 0 and j < k))

    both = found(BEFORE, "the place of k itself counts too, unless nothing else does", VALUES)

    np.testing.assert_allclose(both, right + np.where(right > 0, VALUES, 0), rtol=1e-15)


def test_the_place_itself_counts_and_what_is_reached_does_too() -> None:
    """As of a share that sorted weights add up to, each with its own: up to it, or below it."""
    cut = read(
        """def f(p: Float[Tensor, " v"], *, share: float) -> Float[Tensor, " v"]:
    j, k = indices("v", "v")
    before = sum(j, p[j], where=(p[j] > p[k]) | ((p[j] == p[k]) & (j < k)))
    kept = where(before < share, p[k], 0)
    return kept.stack(k)
"""
    )
    up_to = sums(lambda more, j, k: more > 0 or (more == 0 and j <= k))
    kept = found(
        cut,
        "the place of k itself counts too, and before_k ≤ share is used instead of before_k < share",
        VALUES,
        share=0.625,
    )
    np.testing.assert_array_equal(kept, np.where(up_to <= 0.625, VALUES, 0))


def attend(q: Array, k: Array, v: Array, seen: Array, cap: float | None = None, before: bool = False) -> Array:
    e = q @ k.T / np.sqrt(q.shape[-1])
    if before:
        e = np.where(seen, e, -np.inf)
    e = e if cap is None else cap * np.tanh(e / cap)
    e = e if before else np.where(seen, e, -np.inf)
    p = np.exp(e - e.max(-1, keepdims=True))
    return np.asarray(p / p.sum(-1, keepdims=True) @ v)


@pytest.mark.parametrize(
    ("says", "of"),
    [
        ("⌊i / d⌋ is used", lambda i: i // 3),
        ("mod(i, d) is used", lambda i: i % 3),
        ("mod(i, d), unless it is 0, is used", lambda i: np.where(i % 3 == 0, i, i % 3)),
    ],
)
def test_a_place_is_divided_before_it_is_compared(says: str, of: Any) -> None:
    definition = read(
        """def f(q: Float[Tensor, "t d"], k: Float[Tensor, "t d"], v: Float[Tensor, "t e"]) -> Float[Tensor, "t e"]:
    i, j = indices("t", "t")
    d = size("d")
    p = softmax(j, q[i] @ k[j] / sqrt(d), where=j <= i).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=j <= i)
    return c.stack(i)
"""
    )
    q, k, v = RANDOM.normal(size=(7, 3)), RANDOM.normal(size=(7, 3)), RANDOM.normal(size=(7, 2))
    seen = np.arange(7) <= of(np.arange(7))[:, None]

    wrong = found(definition, f"{says} instead of i", q, k, v)

    np.testing.assert_allclose(wrong, attend(q, k, v, seen), rtol=1e-12)


def test_a_mask_before_tanh_hides_nothing() -> None:
    definition = read(
        """def f(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"], *, cap: float
) -> Float[Tensor, "n e"]:
    i, j = indices("n", "m")
    d = size("d")
    e = (cap * tanh(q[i] @ k[j] / sqrt(d) / cap)).stack(i, j)
    p = softmax(j, e[i, j], where=mask[i, j]).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=mask[i, j])
    return c.stack(i)
"""
    )
    q, k, v = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(5, 2))
    mask = RANDOM.random((4, 5)) < 0.6
    mask[1] = False

    wrong = found(
        definition, "is applied before tanh, which makes a number of −∞, and hides nothing", q, k, v, mask, cap=2.0
    )

    np.testing.assert_allclose(wrong, attend(q, k, v, mask, 2.0, before=True), rtol=1e-12)


@pytest.mark.parametrize(("word", "equal"), [("no", False), ("every", True)])
def test_a_token_is_never_asked(word: str, equal: bool) -> None:
    definition = read(
        """def f(token: Int[Tensor, " t"], *, padding: int) -> Int[Tensor, " t"]:
    i, j = indices("t", "t")
    count = sum(j, 1, where=(j <= i) & ((token[j] < padding) | (token[j] > padding)))
    position = where(token[i] == padding, padding, padding + count)
    return position.stack(i)
"""
    )
    token = np.array([0, 4, 3, 3, 5, 0])

    wrong = found(definition, f"{word} token is taken for padding, whatever it is", token, padding=3)

    np.testing.assert_array_equal(wrong, [3] * 6 if equal else 3 + np.arange(1, 7))


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_ones(id: str) -> None:
    for each in condition_errors(REGISTRY[id].definition):
        check(each.definition)
