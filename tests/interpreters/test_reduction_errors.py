"""What software may do in a sum, a choice or a row besides the formula is what its sentence says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.insertions import insertions
from attnspec.interpreters.mutation.reduction_errors import reduction_errors
from attnspec.language.check import check
from attnspec.language.tree import Definition

GENERATOR = np.random.Generator(np.random.Philox(0))


def tree(id: str, says: str) -> Definition:
    found = [each.definition for each in reduction_errors(REGISTRY[id].definition) if says in each.says]
    assert found, says
    return found[0]


def assigned(places: list[tuple[int, int]], d_x: NDArray[Any]) -> NDArray[Any]:
    rows = np.zeros((4, 2))
    for place, token in places:
        rows[token] = d_x[place]
    return rows


TOKENS = np.array([1, 3, 1, 1, 0])


@pytest.mark.parametrize(("word", "order"), [("last", 1), ("first", -1)])
def test_one_term_counts_of_those_with_one_token(word: str, order: int) -> None:
    d_x = GENERATOR.standard_normal((5, 2))
    given = {"d_x": d_x, "k": TOKENS, "P": np.zeros((4, 2))}

    value = evaluate(tree("backward.embedding", f"only the {word} term"), (), given)

    np.testing.assert_array_equal(value, assigned([*enumerate(TOKENS)][::order], d_x))


def test_the_mean_of_terms_is_over_those_that_a_condition_holds_of() -> None:
    d_x = GENERATOR.standard_normal((5, 2))
    given = {"d_x": d_x, "k": TOKENS, "P": np.zeros((2, 2))}

    value = np.asarray(evaluate(tree("backward.embedding", "the mean of the terms"), (), given))

    np.testing.assert_allclose(value[1], d_x[[0, 2, 3]].mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("says", "chosen"), [("the last is taken", 70), ("of 32 that take turns", 64)])
def test_another_of_equal_elements_is_taken(says: str, chosen: int) -> None:
    """Largest are 5, 64 and 70; of 32 threads, number 0 has 64."""
    e, v = np.zeros((1, 80)), GENERATOR.standard_normal((80, 3))
    e[0, [5, 64, 70]] = 1

    value = evaluate(tree("attention.hard", says), (), {"e": e, "v": v})

    np.testing.assert_array_equal(value, v[[chosen]])


@pytest.mark.parametrize(("length", "padded"), [("a power of two", 8), ("a multiple of 16", 16)])
def test_zeros_behind_the_last_place_count_in_a_sum(length: str, padded: int) -> None:
    x = GENERATOR.standard_normal(5)
    mean = x.mean()
    variance = (
        (np.concatenate([x, np.zeros(padded - 5)]) - mean) @ (np.concatenate([x, np.zeros(padded - 5)]) - mean) / 5
    )
    says = f"in variance: Σ_k (x_k − μ) (x_k − μ) also counts zeros behind the last place, up to {length}"
    given = {"x": x, "gamma": np.ones(5), "beta": np.zeros(5), "eps": 0.0}

    value = evaluate(tree("transformer.layer_norm", says), (), given)

    np.testing.assert_allclose(value, (x - mean) / np.sqrt(variance), rtol=1e-12)


def test_the_row_before_is_read() -> None:
    x, W, b = GENERATOR.standard_normal((3, 2)), GENERATOR.standard_normal((2, 2)), np.zeros(2)

    value = np.asarray(evaluate(tree("transformer.linear", "x_{t−1} is read instead of x_t"), (), dict(x=x, W=W, b=b)))

    np.testing.assert_allclose(value, np.vstack([np.zeros((1, 2)), x[:-1] @ W]), rtol=1e-12)


def test_rows_are_not_shifted() -> None:
    """Of a decoder that reads the word before, each step reads its own word, also the first."""
    definition = REGISTRY["seq2seq.teacher_forced_lstm"].definition
    (found,) = [each for each in reduction_errors(definition) if "nothing stands before" in each.says]

    assert found.says == "in before: target_i is read instead of target_{i−1}, and nothing stands before"


def test_the_mean_of_no_terms_is_nought() -> None:
    d_x, given = GENERATOR.standard_normal((5, 2)), {"k": TOKENS, "P": np.zeros((4, 2))}

    value = np.asarray(evaluate(tree("backward.embedding", "and 0 of none"), (), given | {"d_x": d_x}))

    np.testing.assert_allclose(value, [d_x[4], d_x[[0, 2, 3]].mean(axis=0), [0, 0], d_x[1]], rtol=1e-12)


@pytest.mark.parametrize(("says", "sign"), [("the negative of ", -1), ("", 1)])
@pytest.mark.parametrize(
    ("norm", "of"),
    [
        ("the sum of absolute differences", lambda rows: np.abs(rows).sum(-1)),
        ("the distance", lambda rows: np.sqrt((rows * rows).sum(-1))),
    ],
)
def test_a_distance_stands_for_a_product(says: str, sign: int, norm: str, of: Any) -> None:
    q, k = GENERATOR.standard_normal((3, 4)), GENERATOR.standard_normal((5, 4))

    value = evaluate(tree("scores.dot", f"in e: {says}{norm} is used instead of q_i·k_j"), (q, k), {})

    np.testing.assert_allclose(value, sign * of(q[:, None] - k), rtol=1e-12)


def test_a_root_is_replaced_by_a_square() -> None:
    x, one = np.array([1.0, -3.0]), np.ones(2)
    found = [each for each in insertions(REGISTRY["transformer.layer_norm"].definition) if "is squared" in each.says]

    value = evaluate(found[0].definition, (), {"x": x, "gamma": one, "beta": 0 * one, "eps": 1.0})

    np.testing.assert_allclose(value, np.array([2.0, -2.0]) / 25, rtol=1e-12)


def test_the_mean_of_absolute_values_stands_for_a_standard_deviation() -> None:
    x, gamma, beta = GENERATOR.standard_normal((3, 5)), GENERATOR.standard_normal(5), GENERATOR.standard_normal(5)
    centred = x - x.mean(-1, keepdims=True)
    expected = centred / (np.abs(centred).mean(-1, keepdims=True) + 0.1) * gamma + beta

    wrong = evaluate(
        tree("transformer.layer_norm", "the mean of absolute values"), (),
        {"x": x, "gamma": gamma, "beta": beta, "eps": 0.1},
    )  # fmt: skip

    np.testing.assert_allclose(wrong, expected, rtol=1e-12)


def test_the_last_rows_of_a_table_are_read() -> None:
    a, table = GENERATOR.standard_normal((3, 2)), GENERATOR.standard_normal((5, 2))

    wrong = evaluate(tree("position.learned", "the last rows of P are read"), (), {"a": a, "P": table})

    np.testing.assert_array_equal(wrong, a + table[2:])


@pytest.mark.parametrize(("word", "row"), [("the first", 0), ("the last", 4), ("that behind t others", 3)])
def test_one_row_of_a_table_is_read(word: str, row: int) -> None:
    a, table = GENERATOR.standard_normal((3, 2)), GENERATOR.standard_normal((5, 2))

    wrong = evaluate(
        tree("position.learned", f"one row of P is read at every place of i: {word}"), (), {"a": a, "P": table}
    )

    np.testing.assert_array_equal(wrong, a + table[row])


@pytest.mark.parametrize(("word", "place"), [("first", 0), ("last", 4)])
def test_one_term_of_all_sums_counts_as_if_each_were_assigned(word: str, place: int) -> None:
    """The gradients of a matrix and of a bias are those of one row; that of the input is of all."""
    d_y, x, W = (GENERATOR.standard_normal(shape) for shape in ((5, 2), (5, 3), (3, 2)))
    given = {"d_y": d_y, "x": x, "W": W, "b": np.zeros(2)}

    wrong = evaluate(tree("backward.linear", f"of all sums over t only the {word} term counts"), (), given)

    assert isinstance(wrong, tuple)
    for found, expected in zip(wrong, (d_y @ W.T, np.outer(x[place], d_y[place]), d_y[place]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_is_added_below_a_root_is_added_to_a_row_that_is_divided_by_its_largest_component() -> None:
    x, gamma, beta = GENERATOR.standard_normal((3, 6))
    centred = x - x.mean()
    scaled = centred / np.abs(centred).max()

    wrong = evaluate(
        tree("transformer.layer_norm", "a row that is divided by its largest component"), (),
        {"x": x, "gamma": gamma, "beta": beta, "eps": 0.1},
    )  # fmt: skip

    np.testing.assert_allclose(wrong, scaled / np.sqrt((scaled**2).mean() + 0.1) * gamma + beta, rtol=1e-12)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_errors(id: str) -> None:
    for each in reduction_errors(REGISTRY[id].definition):
        check(each.definition)
