"""Mistakes with the steps of a recurrence compute what their sentences say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.step_errors import step_errors
from attnspec.language.check import check
from attnspec.language.equation import equation
from attnspec.notation import Float, Tensor, index, last, scan

Array = NDArray[np.float64]


@equation()
def kept(x: Float[Tensor, " d"], h: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """A part of the state is kept, as a gate of both says."""
    z = 1 / (1 + x * x + h * h)
    y = z * h + x
    return y


@equation()
def both_ways(x: Float[Tensor, "t d"], h_0: Float[Tensor, " d"], g_0: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """Forwards, and then again, from another start."""
    t, s = index("t"), index("t")
    h = scan(t, lambda h: kept(x[t], h), h_0)
    g = scan(s, lambda g: kept(x[s], g), g_0)
    return last(t, h) + 2 * last(s, g)


def gate(x: Array, h: Array) -> Array:
    return 1 / (1 + x * x + h * h)


def run(x: Array, h: Array, chunk: int = 0, first: str = "") -> list[Array]:
    start, states = h, []
    for place, row in enumerate(x):
        h = start if chunk and place % chunk == 0 else h
        z = gate(x[0] if "x" in first else row, start if "h" in first else h)
        h = z * h + row
        states.append(h)
    return states


def value(says: str, id: str = "", **given: Any) -> Array:
    definition = REGISTRY[id].definition if id else both_ways.definition
    found = [each.definition for each in step_errors(definition) if says in each.says]
    assert found, says
    return np.asarray(evaluate(found[0], (), given))


X = np.random.default_rng(5).normal(size=(9, 3))
H, G = np.random.default_rng(6).normal(size=(2, 3))
GIVEN = {"x": X, "h_0": H, "g_0": G}


@pytest.mark.parametrize("chunk", [2, 4, 8])
def test_pieces_start_again(chunk: int) -> None:
    wrong = value(f"in h: every {chunk} steps the recurrence starts again", **GIVEN)

    np.testing.assert_allclose(wrong, run(X, H, chunk)[-1] + 2 * run(X, G)[-1], rtol=1e-12)


@pytest.mark.parametrize("chunk", [2, 4, 8])
def test_windows_go_on_from_0(chunk: int) -> None:
    """The first begins as it should, and each later one has lost the state."""
    wrong = value(f"in h: behind each {chunk} steps the recurrence goes on from 0", **GIVEN)
    last_window = (len(X) - 1) // chunk * chunk

    np.testing.assert_allclose(wrong, run(X[last_window:], 0 * H)[-1] + 2 * run(X, G)[-1], rtol=1e-12)


@equation()
def falling(x: Float[Tensor, " t"], *, target: float) -> Float[Tensor, " t"]:
    """A bound that begins at twice the target, and falls by what is above it."""
    t = index("t")
    mu = scan(t, lambda mu: mu - (x[t] - target), 2 * target)
    return mu.stack(t)


def test_a_state_that_begins_with_a_number_is_never_carried_on() -> None:
    [wrong] = [each for each in step_errors(falling.definition) if "begins as the first one" in each.says]

    found = evaluate(wrong.definition, (), {"x": X[:, 0], "target": 1.5})

    np.testing.assert_allclose(np.asarray(found), 3 - (X[:, 0] - 1.5), rtol=1e-12)


@pytest.mark.parametrize(("says", "first"), [("z reads h of the first", "h"), ("z reads x and h of the first", "xh")])
def test_a_line_is_that_of_the_first_step(says: str, first: str) -> None:
    np.testing.assert_allclose(value(says, **GIVEN), run(X, H, first=first)[-1] + 2 * run(X, G)[-1], rtol=1e-12)


@pytest.mark.parametrize(
    ("word", "start"),
    [("the mean of x", X.mean(0)), ("the first row of x", X[0]), ("the last row of x", X[-1]), ("g_0", G)],
)
def test_a_recurrence_starts_from_something_else(word: str, start: Array) -> None:
    wrong = value(f"in h: the recurrence starts from {word}, not from h_0", **GIVEN)

    np.testing.assert_allclose(wrong, run(X, start)[-1] + 2 * run(X, G)[-1], rtol=1e-12)


def test_a_line_reads_another_one_of_the_step_before() -> None:
    """The gate of a step is that of the step before; at the first, nothing is kept."""
    wrong = value("in h: y reads z of the step before, and 0 at the first", **GIVEN)

    h, late = H, np.zeros(3)
    for row in X:
        h, late = late * h + row, gate(row, h)
    np.testing.assert_allclose(wrong, h + 2 * run(X, G)[-1], rtol=1e-12)


def test_a_step_reads_the_state_of_two_steps_before() -> None:
    """Two chains of states that take turns, of which both begin with the start."""
    wrong = value("in h: each step reads h_t of two steps before", **GIVEN)

    even = run(X[::2], H)[-1]  # of 9 steps the last is in the first chain
    np.testing.assert_allclose(wrong, even + 2 * run(X, G)[-1], rtol=1e-12)


def test_the_last_step_is_left_out_unless_it_is_the_only_one() -> None:
    says = "in h: of several steps over t the last is left out"
    for rows in (1, 2, 9):
        right = run(X[: max(rows - 1, 1)], H)[-1] + 2 * run(X[:rows], G)[-1]
        np.testing.assert_allclose(value(says, x=X[:rows], h_0=H, g_0=G), right, rtol=1e-12)


def test_a_state_is_handed_over() -> None:
    h = run(X, H)[-1]

    wrong = value("in g: the recurrence starts from h_T, not from g_0", **GIVEN)

    np.testing.assert_allclose(wrong, h + 2 * run(X, h)[-1], rtol=1e-12)


def test_a_gradient_is_not_handed_on_to_earlier_pieces() -> None:
    """As of states that are detached: of 9 steps in pieces of 8, that of the start reads the first 8 alone."""
    id, random = "recurrent.gradient_of_simple_rnn", np.random.default_rng(7)
    sizes = {"d_h": (9, 2), "x": (9, 3), "h_0": (2,), "W_xh": (3, 2), "W_hh": (2, 2), "b_h": (2,)}
    given = {name: random.normal(size=size) for name, size in sizes.items()}
    definition = REGISTRY["recurrent.simple_rnn"].gradient().definition
    [wrong] = [each.definition for each in step_errors(definition) if each.id == "g/cut/8"]
    assert definition.id == id

    d_x, d_h_0, *_ = evaluate(wrong, (), given)
    first = {**given, "x": given["x"][:8], "d_h": given["d_h"][:8]}
    of_x, of_h_0, *_ = evaluate(definition, (), first)

    np.testing.assert_allclose(d_h_0, of_h_0, rtol=1e-12)
    np.testing.assert_allclose(np.asarray(d_x)[:8], of_x, rtol=1e-12)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_steps(id: str) -> None:
    for each in step_errors(REGISTRY[id].definition):
        check(each.definition)
