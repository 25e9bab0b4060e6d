"""What software may do with states, padding, reductions and padded sizes is what its sentence says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float

from attnspec import REGISTRY, equation
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.function_substitutions import function_substitutions
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.mutation.reduction_errors import reduction_errors
from attnspec.interpreters.mutation.state_errors import state_errors
from attnspec.language.tree import Definition
from attnspec.notation import Tensor, index, max, size, sum

GENERATOR = np.random.Generator(np.random.Philox(13))


@equation()
def decayed(x: Float[Tensor, "d"], s: Float[Tensor, "d"], *, rho: float) -> Float[Tensor, "d"]:  # noqa: F821  # a size, as equations have them
    """A mean that forgets, and the distance from it."""
    s_next = rho * s + (1 - rho) * x
    y = x - s_next
    return y


@equation()
def largest_distance(x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """The largest element of each row, after the mean over the rows is taken off."""
    i, k = index("n"), index("d")
    n = size("n")
    mu = sum(i, x[i]) / n
    y = max(k, (x[i] - mu)[k])
    return y.stack(i)


def tree(mutants: Iterator[Mutant], says: str) -> Definition:
    found = [each.definition for each in mutants if says in each.says]
    assert found, says
    return found[0]


def value(mutants: Iterator[Mutant], says: str, **given: Any) -> Any:
    return np.asarray(evaluate(tree(mutants, says), (), given))


X, S = GENERATOR.standard_normal((2, 6))


def test_what_is_read_of_a_state_is_that_before_the_step() -> None:
    sizes = {"x": (4, 2), "h_0": (3,), "W_xh": (2, 3), "W_hh": (3, 3), "b_h": (3,), "W_hy": (3, 2), "b_y": (2,)}
    given = {name: GENERATOR.standard_normal(shape) for name, shape in sizes.items()}
    states = [given["h_0"]]
    for row in given["x"]:
        states.append(np.tanh(row @ given["W_xh"] + states[-1] @ given["W_hh"] + given["b_h"]))
    expected = np.stack(states[:-1]) @ given["W_hy"] + given["b_y"]

    found = value(state_errors(REGISTRY["recurrent.many_to_many"].definition), "of the step before is read", **given)

    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("word", "chosen"), [("larger", np.maximum), ("smaller", np.minimum)])
def test_a_state_may_only_rise_or_fall(word: str, chosen: Callable[..., Any]) -> None:
    found = value(state_errors(decayed.definition), f"the {word} of s and s_next", x=X, s=S, rho=0.75)

    np.testing.assert_allclose(found, X - chosen(S, 0.75 * S + 0.25 * X))


def test_an_update_may_be_made_twice() -> None:
    found = value(state_errors(decayed.definition), "ρ s_next + (1 − ρ) x is used", x=X, s=S, rho=0.75)

    np.testing.assert_allclose(found, X - (0.75 * (0.75 * S + 0.25 * X) + 0.25 * X))


def test_a_token_is_taken_for_padding() -> None:
    P, k = GENERATOR.standard_normal((4, 3)), np.array([1, 0, 3, 1])
    found = value(state_errors(REGISTRY["text.embedding"].definition), "is 1, as for padding", k=k, P=P)

    np.testing.assert_array_equal(found, np.where((k == 1)[:, None], 0, P[k]))


@pytest.mark.parametrize("k", [0, 2, 3, 4])
def test_both_halves_of_a_table_are_read(k: int) -> None:
    """Rows 0, 1 and 2 are in the first half, rows 3 and 4 in the second one."""
    P = GENERATOR.normal(size=(5, 2))

    says = "of two halves along v the one without"
    found = value(state_errors(REGISTRY["text.embedding"].definition), says, k=np.array([k]), P=P)

    np.testing.assert_allclose(found, [P[k] + P[3 if k < 3 else 2]])


def test_targets_of_padding_do_not_count_in_a_mean() -> None:
    logits, target = GENERATOR.standard_normal((5, 4)), np.array([0, 2, 1, 0, 3])
    valid = np.array([True, True, True, True, False])
    loss = np.log(np.exp(logits).sum(-1)) - logits[np.arange(5), target]
    mutants = state_errors(REGISTRY["seq2seq.sequence_loss"].definition)
    found = value(mutants, "target is 0 do not count", logits=logits, target=target, valid=valid)

    np.testing.assert_allclose(found, loss[[1, 2]].mean())


ROWS = GENERATOR.standard_normal((6, 5))


@pytest.mark.parametrize(
    ("says", "centre"),
    [
        ("in mu: the largest term is used instead of (", ROWS.max(0)),
        ("in mu: the smallest term is used instead of (", ROWS.min(0)),
        ("in mu: the root of the mean of squares is used", np.sqrt((ROWS**2).mean(0))),
        ("behind the last multiple of 4 do not count", ROWS[:4].sum(0) / 6),
    ],
)
def test_another_reduction_stands_for_a_mean(says: str, centre: Any) -> None:
    found = value(reduction_errors(largest_distance.definition), says, x=ROWS)

    np.testing.assert_allclose(found, (ROWS - centre).max(-1))


@pytest.mark.parametrize(("word", "reduce"), [("the smallest", np.min), ("the sum", np.sum), ("the mean", np.mean)])
def test_another_reduction_stands_for_the_largest(word: str, reduce: Callable[..., Any]) -> None:
    found = value(reduction_errors(largest_distance.definition), f"in y: {word} is used", x=ROWS)

    np.testing.assert_allclose(found, reduce(ROWS - ROWS.mean(0), -1))


@pytest.mark.parametrize("vector", [2, 4])
def test_a_product_of_rows_stops_at_a_whole_vector(vector: int) -> None:
    """Also in an equation that is called; a row without an index of its own is cut too."""
    q, k = GENERATOR.standard_normal((2, 7)), GENERATOR.standard_normal((3, 7))
    whole = 7 // vector * vector
    found = value(reduction_errors(REGISTRY["scores.dot"].definition), f"last multiple of {vector} do", q=q, k=k)

    np.testing.assert_allclose(found, q[:, :whole] @ k[:, :whole].T)
    called = [each for each in reduction_errors(REGISTRY["attention.dot_product"].definition) if "·" in each.says]
    assert called


def test_the_argument_of_an_activation_is_clipped_wherever_it_is_used() -> None:
    given = {name: GENERATOR.standard_normal(shape) * 4 for name, shape in (("x", 3), ("h", 2), ("W_xh", (3, 2)))}
    given |= {"W_hh": GENERATOR.standard_normal((2, 2)), "b_h": np.zeros(2)}
    definition = REGISTRY["recurrent.simple_rnn_cell"].definition
    inner = given["x"] @ given["W_xh"] + given["h"] @ given["W_hh"]
    found = value(function_substitutions(definition), "what tanh is taken of is clipped to ±2", **given)

    np.testing.assert_allclose(found, np.tanh(np.clip(inner, -2, 2)))
