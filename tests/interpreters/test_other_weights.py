"""Softmaxes of other scores, or that leave out weights, are what their sentences say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.fewer_weights import fewer_weights
from attnspec.interpreters.mutation.free_numbers import free_numbers
from attnspec.interpreters.mutation.function_substitutions import function_substitutions, over_all_rows
from attnspec.interpreters.mutation.insertions import insertions
from attnspec.language.check import check
from attnspec.language.tree import Definition

GENERATOR = np.random.Generator(np.random.Philox(0))
Q, K, V = (3 * GENERATOR.standard_normal(shape) for shape in ((4, 3), (6, 3), (6, 2)))
MASK = GENERATOR.random((4, 6)) < 0.7
SCORES = Q @ K.T / np.sqrt(3)


def weights(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    share: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return share


def of_largest(count: int, scores: np.ndarray) -> np.ndarray:
    least = np.sort(scores, -1)[:, -count][:, None]
    return weights(np.where(scores >= least, scores, -np.inf)) @ V


def at_least(least: float, scores: np.ndarray, rescaled: bool) -> np.ndarray:
    kept = np.where(weights(scores) >= least, weights(scores), 0)
    value: np.ndarray = (kept / kept.sum(-1, keepdims=True) if rescaled else kept) @ V
    return value


@pytest.mark.parametrize("id", ["attention.scaled_dot_product", "attention.masked"])
@pytest.mark.parametrize("count", [1, 2])
def test_only_the_largest_scores_are_used(id: str, count: int) -> None:
    tree = next(
        each.definition for each in fewer_weights(REGISTRY[id].definition) if each.id == f"weights/largest/{count}"
    )
    masked = id.endswith("masked")
    given = {"q": Q, "k": K, "v": V} | ({"mask": MASK} if masked else {})
    scores = np.where(MASK, SCORES, -np.inf) if masked else SCORES

    np.testing.assert_allclose(evaluate(tree, (), given), of_largest(count, scores), rtol=1e-12)


@pytest.mark.parametrize("rescaled", [False, True])
def test_small_weights_are_left_out(rescaled: bool) -> None:
    says = "weights below 0.05 are left out" + ", and the others divided by their sum" * rescaled
    definition = REGISTRY["attention.scaled_dot_product"].definition
    tree = next(each.definition for each in fewer_weights(definition) if each.says == says)

    np.testing.assert_allclose(
        evaluate(tree, (), {"q": Q, "k": K, "v": V}), at_least(0.05, SCORES, rescaled), rtol=1e-12
    )


def lengths(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt((x * x).sum(-1, keepdims=True)))


DISTANCES = (Q**2).sum(-1)[:, None] - 2 * Q @ K.T + (K**2).sum(-1)


@pytest.mark.parametrize(
    ("says", "scores"),
    [
        ("in e: the cosine is used instead of q_i·k_j", Q / lengths(Q) @ (K / lengths(K)).T / np.sqrt(3)),
        ("in e: q_i is divided by its length", Q / lengths(Q) @ K.T / np.sqrt(3)),
        ("in e: k_j is divided by its root mean square", Q @ (K / lengths(K) * np.sqrt(3)).T / np.sqrt(3)),
        ("in e: the negative squared distance is used instead of q_i·k_j", -DISTANCES / np.sqrt(3)),
    ],
)
def test_vectors_may_be_divided_by_their_length(says: str, scores: np.ndarray) -> None:
    definition = REGISTRY["attention.scaled_dot_product"].definition
    tree = next(each.definition for each in insertions(definition) if each.says == says)

    np.testing.assert_allclose(evaluate(tree, (), {"q": Q, "k": K, "v": V}), weights(scores) @ V, rtol=1e-9)


@pytest.mark.parametrize(("times", "distance"), [("(j − i)", lambda d: d), ("|j − i|", np.abs)])
def test_scores_may_fall_with_the_distance(times: str, distance: np.ufunc) -> None:
    definition = REGISTRY["attention.scaled_dot_product"].definition
    place = next(each for each in free_numbers(definition) if each.times == times)
    slope = -0.25 * distance(np.arange(6)[None] - np.arange(4)[:, None])

    value = evaluate(place.insert(-0.25), (), {"q": Q, "k": K, "v": V})

    np.testing.assert_allclose(value, weights(SCORES + slope) @ V, rtol=1e-12)
    assert place.neutral == 0


def test_scores_far_below_the_largest_are_left_out() -> None:
    """Seven is no usual distance: it is a number of the candidate's code, less of them would do here too."""
    definition = REGISTRY["attention.scaled_dot_product"].definition
    says = "scores more than 7 below the largest are left out"
    [tree] = [each.definition for each in fewer_weights(definition, [7]) if each.says == says]
    scores = np.where(SCORES.max(-1, keepdims=True) - 7 <= SCORES, SCORES, -np.inf)

    value = evaluate(tree, (), {"q": Q, "k": K, "v": V})

    np.testing.assert_allclose(value, weights(scores) @ V, rtol=1e-12)


def test_exponentials_of_numbers_far_below_0_are_0() -> None:
    """A part that weighs less than exp(−4) of the other is taken for nothing."""
    definition = REGISTRY["attention.merge"].definition
    [tree] = [each.definition for each in fewer_weights(definition) if each.says.startswith("exp of less than −4 ")]
    o_1, o_2 = V[:2], V[2:4]

    o, lse = evaluate(tree, (), {"o_1": o_1, "lse_1": np.array([5.0, 1.0]), "o_2": o_2, "lse_2": np.array([0.0, 0.0])})
    share = 1 / (1 + np.exp(-1))

    np.testing.assert_allclose(o, [o_1[0], share * o_1[1] + (1 - share) * o_2[1]], rtol=1e-12)
    np.testing.assert_allclose(lse, [5, np.log(1 + np.e)], rtol=1e-12)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_ones(id: str) -> None:
    for each in fewer_weights(REGISTRY[id].definition):
        check(each.definition)


def test_one_softmax_is_over_all_rows() -> None:
    mutants = over_all_rows(REGISTRY["attention.scaled_dot_product"].definition)
    [whole] = [each.definition for each in mutants if "one softmax is over i and j" in each.says]
    powers = np.exp(SCORES)

    np.testing.assert_allclose(evaluate(whole, (), {"q": Q, "k": K, "v": V}), powers / powers.sum() @ V, rtol=1e-12)


def test_low_rows_underflow_where_the_largest_of_all_is_taken_off() -> None:
    """In real numbers it is the same; in float32 a row far below the largest score is 0/0."""
    mutants = over_all_rows(REGISTRY["attention.weights"].definition)
    [mutant] = [each for each in mutants if "the largest score of all rows" in each.says]
    e = np.array([[300.0, 299.0], [-100.0, -101.0]])

    with np.errstate(invalid="ignore"):
        single = np.asarray(evaluate(mutant.definition, (), {"e": e.astype(np.float32)}))

    assert mutant.in_storage
    np.testing.assert_allclose(evaluate(mutant.definition, (), {"e": e}), weights(e), rtol=1e-12)
    assert np.isfinite(single[0]).all()
    assert np.isnan(single[1]).all()


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("0.001 times the square of the log-sum-exp is added", lambda loss, lse: loss + 0.001 * lse**2),
        ("the loss is multiplied by 1 − p,", lambda loss, _: (1 - np.exp(-loss)) * loss),
        ("the loss is multiplied by (1 − p)^2", lambda loss, _: (1 - np.exp(-loss)) ** 2 * loss),
    ],
)
def test_other_losses(says: str, expected: Callable[[np.ndarray, float], np.ndarray]) -> None:
    logits, id = GENERATOR.standard_normal(7), "seq2seq.cross_entropy"
    [tree] = [each.definition for each in function_substitutions(REGISTRY[id].definition) if says in each.says]
    lse = float(np.log(np.exp(logits).sum()))

    wrong = evaluate(tree, (), {"logits": logits, "target": np.array(2)})

    np.testing.assert_allclose(wrong, expected(lse - logits[2], lse), rtol=1e-12)


def of_weights(says: str) -> Definition:
    mutants = function_substitutions(REGISTRY["attention.weights"].definition)
    [tree] = [each.definition for each in mutants if says in each.says]
    return tree


def test_the_largest_score_is_searched_from_zero() -> None:
    e = np.array([[3.0, -1.0], [-200.0, -201.0]])
    tree = of_weights("the search for the largest score starts from 0")

    with np.errstate(invalid="ignore"):
        single = np.asarray(evaluate(tree, (), {"e": e.astype(np.float32)}))

    np.testing.assert_allclose(evaluate(tree, (), {"e": e}), weights(e), rtol=1e-12)
    assert np.isnan(single).tolist() == [[False, False], [True, True]]


def test_a_power_stands_for_the_exponential_function() -> None:
    """Where 1 + x/n is negative it is 0."""
    e = 40 * SCORES
    shifted = e - e.max(-1, keepdims=True)
    powers = np.maximum(1 + shifted / 16, 0) ** 16

    assert (shifted < -16).any()
    wrong = evaluate(of_weights("(1 + x/16)^16"), (), {"e": e})
    np.testing.assert_allclose(wrong, powers / powers.sum(-1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("id", ["attention.scaled_dot_product", "attention.masked"])
def test_softmax_includes_one_more_score(id: str) -> None:
    """As a slot of a cache that nothing was written to, with a value of 0; far below 0 it has all of the weight."""
    tree = next(each.definition for each in fewer_weights(REGISTRY[id].definition) if each.id == "weights/besides")
    masked = id.endswith("masked")
    for large in (1.0, -1000.0):
        given = {"q": large * np.abs(Q), "k": np.abs(K), "v": V} | ({"mask": MASK} if masked else {})
        scores = large * np.abs(Q) @ np.abs(K).T / np.sqrt(3)
        scores = np.where(MASK, scores, -np.inf) if masked else scores
        more = np.concatenate([scores, np.zeros_like(scores[:, :1])], -1)

        np.testing.assert_allclose(evaluate(tree, (), given), weights(more)[:, :-1] @ V, rtol=1e-9, atol=1e-300)
