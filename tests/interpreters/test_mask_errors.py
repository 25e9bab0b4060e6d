"""Mistakes with a mask compute what their sentences say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from jaxtyping import Float
from numpy.typing import NDArray

from attnspec import REGISTRY, equation
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.mask_errors import mask_errors
from attnspec.language.check import check
from attnspec.notation import Tensor, index, size, sum


@equation()
def last_two(x: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
    """The sum of a row and of the one before it."""
    t, j = index("t"), index("t")
    y = sum(j, x[j], where=(j <= t) & (t < j + 2))
    return y.stack(t)


Array = NDArray[Any]

RANDOM = np.random.default_rng(3)


def attend(q: Array, k: Array, v: Array, seen: Array, stand_in: float = -np.inf) -> Array:
    e = np.where(seen, q @ k.T / np.sqrt(q.shape[-1]), stand_in)
    top = e.max(-1, keepdims=True)
    p = np.exp(e - np.where(np.isfinite(top), top, 0))
    return np.asarray(p @ v / np.maximum(p.sum(-1, keepdims=True), 1e-300))


def value(id: str, mutant: str, **given: Any) -> Array:
    [tree] = [each.definition for each in mask_errors(REGISTRY[id].definition) if each.id == mutant]
    return np.asarray(evaluate(tree, (), given))


def test_queries_of_each_tile_are_masked_as_those_of_the_first() -> None:
    """Of 5 queries in tiles of 2, over 6 keys: the first sees two keys, the second three, the third two again."""
    q, k, v = RANDOM.normal(size=(5, 4)), RANDOM.normal(size=(6, 4)), RANDOM.normal(size=(6, 3))
    definition = REGISTRY["attention.causal"].definition
    [wrong] = [each for each in mask_errors(definition, [2]) if each.id == "mask/i-from-tile-2"]
    seen = np.arange(6) <= np.arange(5)[:, None] % 2 + 1

    assert wrong.says == "in the mask j ≤ i + (m − n): i begins again in each tile of 2"
    np.testing.assert_allclose(
        evaluate(wrong.definition, (), {"q": q, "k": k, "v": v}), attend(q, k, v, seen), rtol=1e-12
    )


@equation()
def balance(p: Float[Tensor, "n E"], scores: Float[Tensor, "n E"]) -> Float[Tensor, " E"]:
    """The share of rows in which a score is above 0, times the mean of p over all rows."""
    t, i = index("n"), index("E")
    n = size("n")
    share = (sum(t, 1, where=scores[t, i] > 0) / n).stack(i)
    mean = (sum(t, p[t, i]) / n).stack(i)
    return (share[i] * mean[i]).stack(i)


def test_a_sum_has_the_condition_of_another_one() -> None:
    p, scores = RANDOM.random((6, 3)), RANDOM.normal(size=(6, 3))
    says = "in mean: only terms of Σ_t p_ti with scores_ti > 0 count"
    [wrong] = [each for each in mask_errors(balance.definition) if each.says == says]
    above = scores > 0

    found = evaluate(wrong.definition, (), {"p": p, "scores": scores})

    np.testing.assert_allclose(found, above.mean(0) * np.where(above, p, 0).mean(0), rtol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(9, 9), (5, 11)])
def test_keys_are_read_up_to_the_tile_of_the_first_query_of_a_tile(n: int, m: int) -> None:
    """Tiles of 4 queries and of 2 keys: the third and fourth query of each tile miss keys that they should see."""
    q, k, v = RANDOM.normal(size=(n, 4)), RANDOM.normal(size=(m, 4)), RANDOM.normal(size=(m, 3))
    says = "for all of a tile of 4 along i, j is read up to the end of the tile of 2 that its first place sees"
    [wrong] = [each for each in mask_errors(REGISTRY["attention.causal"].definition, [4, 2]) if each.says == says]
    query, key = np.arange(n)[:, None], np.arange(m)
    seen = (key <= query + m - n) & (key < ((query // 4 * 4 + m - n) // 2 + 1) * 2)

    np.testing.assert_allclose(
        evaluate(wrong.definition, (), {"q": q, "k": k, "v": v}), attend(q, k, v, seen), rtol=1e-12
    )


@pytest.mark.parametrize(("n", "m"), [(5, 5), (3, 6), (1, 1)])
def test_a_strict_mask_unless_it_hides_everything(n: int, m: int) -> None:
    q, k, v = RANDOM.normal(size=(n, 4)), RANDOM.normal(size=(m, 4)), RANDOM.normal(size=(m, 3))
    place = np.arange(n)[:, None] + m - n
    strict = np.arange(m) < place
    seen = np.where(strict.any(-1, keepdims=True), strict, np.arange(m) <= place)

    wrong = value("attention.causal", "mask/mask/</unless-all", q=q, k=k, v=v)

    np.testing.assert_allclose(wrong, attend(q, k, v, seen), rtol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(5, 5), (3, 6), (6, 3)])
@pytest.mark.parametrize(("word", "stand_in"), [("0", -np.inf), ("mean", -1e9)])
def test_a_mask_that_hides_rows(n: int, m: int, word: str, stand_in: float) -> None:
    """Rows behind the end of the mask see everything."""
    q, k, v = RANDOM.normal(size=(n, 4)), RANDOM.normal(size=(m, 4)), RANDOM.normal(size=(m, 3))
    mask = np.arange(m) % 3 != 1
    rows = np.array([mask[i] if i < m else True for i in range(n)])

    wrong = value("attention.padded", f"mask/mask/along-i/{word}", q=q, k=k, v=v, mask=mask)

    np.testing.assert_allclose(wrong, attend(q, k, v, rows[:, None], stand_in), rtol=1e-12)


@pytest.mark.parametrize("word", ["only", "not"])
def test_one_head_alone_has_the_mask(word: str) -> None:
    """Of two heads, each with half of the columns, one looks ahead."""
    id, c = "multihead.causal", 6
    x = RANDOM.normal(size=(5, c))
    W_q, W_k, W_v, W_o = RANDOM.normal(size=(4, c, c))
    place, parts = np.arange(5), []
    for head in range(2):
        masked = (head == 0) == (word == "only")
        seen = (place <= place[:, None]) | (not masked)
        at = slice(3 * head, 3 * head + 3)
        parts.append(attend((x @ W_q)[:, at], (x @ W_k)[:, at], (x @ W_v)[:, at], seen))

    given = {"x_q": x, "x_kv": x, "W_q": W_q, "W_k": W_k, "W_v": W_v, "W_o": W_o, "heads": 2}
    wrong = value(id, f"head/mask/{word} at the first h", **given)

    np.testing.assert_allclose(wrong, np.concatenate(parts, -1) @ W_o, rtol=1e-12)


@pytest.mark.parametrize(("word", "beyond"), [("seen", True), ("hidden", False)])
def test_a_mask_is_read_in_part(word: str, beyond: bool) -> None:
    q, k, v = (RANDOM.standard_normal((size, 4)) for size in (3, 6, 6))
    mask = np.array([True, False, True, False, True, False])
    says = f"mask is read at the first 2 places along j alone: all behind them are {word}"
    (definition,) = [
        each.definition for each in mask_errors(REGISTRY["attention.padded"].definition, (2,)) if each.says == says
    ]

    found = evaluate(definition, (q, k, v, mask), {})

    read = np.where(np.arange(6) < 2, mask, beyond)
    np.testing.assert_allclose(found, evaluate(REGISTRY["attention.padded"].definition, (q, k, v, read), {}))


@pytest.mark.parametrize(("word", "number"), [("next tile is seen too", 12), ("this tile is hidden", 4)])
def test_a_mask_that_ends_with_a_tile_of_four(word: str, number: int) -> None:
    """The last of 8 visible places ends the second tile, so that all of the third is visible, or the second hidden."""
    q, k, v = (RANDOM.standard_normal((size, 4)) for size in (3, 14, 14))
    says = f"where the last true place of mask along j ends a tile of 4, {'the ' * word.startswith('next')}{word}"
    (definition,) = [
        each.definition for each in mask_errors(REGISTRY["attention.padded"].definition, (4,)) if each.says == says
    ]
    place = np.arange(14)

    for mask, read in (
        ((place < 8) & (place != 2), (place < number) & (place != 2)),
        (place < 7, place < 7),
        (place < 0, place < 0),
    ):
        found = evaluate(definition, (q, k, v, mask), {})
        np.testing.assert_allclose(found, evaluate(REGISTRY["attention.padded"].definition, (q, k, v, read), {}))


def test_one_of_two_conditions_is_not_asked() -> None:
    x = RANDOM.standard_normal((5, 2))
    (definition,) = [each.definition for each in mask_errors(last_two.definition) if "t < j + 2 is not" in each.says]

    np.testing.assert_allclose(evaluate(definition, (x,), {}), np.cumsum(x, axis=0))


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_masks(id: str) -> None:
    for each in mask_errors(REGISTRY[id].definition):
        check(each.definition)
