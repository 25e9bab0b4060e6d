"""Expressions where others belong are what their sentences say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from attnspec import REGISTRY, equation
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.interpreters.mutation.other_expressions import (
    complements_of_others,
    elements_for_numbers,
    exchanged_values,
    expressions_for_names,
    further_expressions,
    ignored_conditions,
    other_expressions,
)
from attnspec.language.check import check
from attnspec.language.tree import Definition
from attnspec.notation import Float, Tensor, index, sum
from trees import read

GENERATOR = np.random.Generator(np.random.Philox(0))
GIVEN = {name: GENERATOR.standard_normal(4) for name in ("theta", "g", "m", "v")}
GIVEN["v"] = np.abs(GIVEN["v"])
ADAM = dict(step=3, lr=0.1, beta_1=0.9, beta_2=0.99, eps=1e-8)


def step(m_hat: float, v_hat: float, more: float = 0.0) -> np.ndarray:
    """θ after a step with other corrections."""
    m, v = 0.9 * GIVEN["m"] + 0.1 * GIVEN["g"], 0.99 * GIVEN["v"] + 0.01 * GIVEN["g"] ** 2
    stepped: np.ndarray = GIVEN["theta"] - 0.1 * (m / m_hat) / (np.sqrt(v / v_hat) + 1e-8) + more
    return stepped


def saying(sentence: str, made: Callable[[Definition], object]) -> Mutant:
    [found] = [each for each in made(REGISTRY["optimizer.adam"].definition) if each.says == sentence]  # type: ignore[attr-defined]  # either function of this module
    assert isinstance(found, Mutant)
    return found


@pytest.mark.parametrize(
    ("made", "says", "expected"),
    [
        (other_expressions, "in v_hat: β_2^step is used instead of 1 − β_2^step", step(1 - 0.9**3, 0.99**3)),
        (other_expressions, "in v_hat: 1 − β_1^step is used instead of 1 − β_2^step", step(1 - 0.9**3, 1 - 0.9**3)),
    ],
)
def test_it_is_what_it_says(made: Callable[[Definition], object], says: str, expected: np.ndarray) -> None:
    theta, *_ = evaluate(saying(says, made).definition, (), GIVEN | ADAM)

    np.testing.assert_allclose(theta, expected, rtol=1e-12)


def test_a_name_is_replaced_each_time_that_its_line_reads_it() -> None:
    found = saying("in v_next: β_1 is used instead of β_2, each time", expressions_for_names)
    _, m, v = evaluate(found.definition, (), GIVEN | ADAM)

    np.testing.assert_allclose(v, 0.9 * GIVEN["v"] + 0.1 * GIVEN["g"] ** 2, rtol=1e-12)
    np.testing.assert_allclose(m, 0.9 * GIVEN["m"] + 0.1 * GIVEN["g"], rtol=1e-12)


@pytest.mark.parametrize("id", ["optimizer.adam", "recurrent.lstm_cell", "backward.lstm_gates", "attention.causal"])
def test_each_is_well_formed_and_reads_the_name_no_more(id: str) -> None:
    for each in expressions_for_names(REGISTRY[id].definition):
        assert is_well_formed(each.definition), each.says
        assert each.says.endswith(", each time")


def test_the_complement_of_one_gate_stands_for_another() -> None:
    definition = REGISTRY["recurrent.lstm_cell"].definition
    given = {each.name: GENERATOR.standard_normal([3] * len(each.dims)) for each in definition.parameters}
    [mutant] = [
        each for each in complements_of_others(definition) if each.says == "in c_next: 1 − f is used instead of i"
    ]
    _, c_next = evaluate(mutant.definition, (), given)
    f, g = (given["x"] @ given[f"W_x{k}"] + given["h"] @ given[f"W_h{k}"] + given[f"b_{k}"] for k in "fg")
    f = 1 / (1 + np.exp(-f))

    np.testing.assert_allclose(c_next, f * given["c"] + (1 - f) * np.tanh(g), rtol=1e-12)


def test_the_elements_of_a_line_stand_for_an_array() -> None:
    """What is kept for the next step is made of outputs, where inputs belong."""

    @equation()
    def kept(x: Float[Tensor, "t d"]) -> tuple[Float[Tensor, "t d"], Float[Tensor, "t d"]]:
        """Twice each row, and the row before it."""
        i, k = index("t"), index("d")
        y = 2 * x[i, k]
        before = x[i - 1, k]
        return y.stack(i, k), before.stack(i, k)

    [found] = [
        each for each in other_expressions(kept.definition) if each.says == "in before: [y_ik]_ik is used instead of x"
    ]
    _, before = evaluate(found.definition, (), {"x": np.arange(6.0).reshape(3, 2)})

    np.testing.assert_array_equal(before, [[0, 0], [0, 2], [4, 6]])


def test_a_further_term_is_added() -> None:
    both = {each.says: each.definition for each in further_expressions(REGISTRY["optimizer.adam"].definition)}
    theta, *_ = evaluate(both["in theta_next: g is added to θ"], (), GIVEN | ADAM)

    np.testing.assert_allclose(theta, step(1 - 0.9**3, 1 - 0.99**3) + GIVEN["g"], rtol=1e-12)


def test_the_end_of_a_product_is_replaced_as_one() -> None:
    """∂cell ⊙ c ⊙ f ⊙ (1 − f) has f ⊙ (1 − f) in it, whichever way the product is bracketed."""
    says = {each.says for each in other_expressions(REGISTRY["backward.lstm_gates"].definition)}

    assert "in d_a_f: σ(f) is used instead of f ⊙ (1 − f)" in says


def test_an_expression_reads_nothing_of_a_later_line() -> None:
    definition = REGISTRY["recurrent.gru_cell"].definition
    first = definition.lines[0].targets[0]
    made = [each for each in other_expressions(definition, [0]) if each.id.startswith(f"{first}/")]

    assert made
    assert not any("h_tilde" in str(each.definition.lines[0].value) for each in made)


def test_only_the_wanted_lines_are_varied() -> None:
    definition = REGISTRY["recurrent.gru_cell"].definition

    for each in (*other_expressions(definition, [1]), *further_expressions(definition, [1])):
        assert [k for k, (a, b) in enumerate(zip(each.definition.roots, definition.roots, strict=True)) if a != b] == [
            1
        ]


@pytest.mark.slow
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_ones(id: str) -> None:
    definition = REGISTRY[id].definition
    for made in (other_expressions, further_expressions):
        for number, each in enumerate(made(definition)):
            if number % 7 == 0:
                check(each.definition)


@pytest.mark.parametrize("id", ["recurrent.simple_rnn", "attention.causal"])
def test_no_variant_reads_what_is_not_there(id: str) -> None:
    """Such as the state of a recurrence outside of it."""
    assert not [each.id for each in other_expressions(REGISTRY[id].definition) if not is_well_formed(each.definition)]


def test_one_of_two_values_may_be_used_whatever_the_condition_is() -> None:
    """A number alone is none of them: the padded rows of a recurrence are h, but the others are not 0."""
    definition = REGISTRY["recurrent.simple_rnn_lengths"].definition
    found = {each.says: each for each in ignored_conditions(definition) if each.says.startswith("in y: ")}
    [mutant] = found.values()
    x, h_0, W, b = GENERATOR.standard_normal((5, 3)), np.zeros(3), np.eye(3), np.ones(3)
    given = {"x": x, "length": np.array(2), "h_0": h_0, "W_xh": W, "W_hh": W, "b_h": b}
    right, last = evaluate(definition, (), given)
    y, _ = evaluate(mutant.definition, (), given)

    assert "is used instead of" in mutant.says
    np.testing.assert_array_equal(y[:2], right[:2])
    np.testing.assert_array_equal(y[2:], np.broadcast_to(last, (3, 3)))


def test_the_values_of_two_conditions_are_exchanged() -> None:
    """As the first two numbers of a person are."""
    (mutant,) = exchanged_values(REGISTRY["text.record"].definition)

    found = evaluate(mutant.definition, (), {"age": np.array(7.0), "sex": np.array(1), "country": np.array(0), "v": 2})

    assert mutant.says == "in x: age and sex are exchanged"
    np.testing.assert_array_equal(np.asarray(found), [1, 7, 1, 0])


def test_a_condition_of_several_values_is_not_asked_of_any() -> None:
    """0 log 0 is NaN where it is asked neither of the logarithm nor of the product."""
    definition = read(
        """def f(p: Float[Tensor, "v"]) -> Float[Tensor, ""]:
    k = index("v")
    return sum(k, where(p[k] > 0, p[k] * log(where(p[k] > 0, p[k], 1)), 0))"""
    )
    says = "it is not asked whether p_k > 0: the values where it holds are used everywhere"
    [found] = [each for each in ignored_conditions(definition) if each.says == says]
    p = np.array([0.5, 0.5])

    assert evaluate(found.definition, (), {"p": p}) == np.sum(p * np.log(p))
    with np.errstate(all="ignore"):
        assert np.isnan(evaluate(found.definition, (), {"p": np.array([0.0, 1.0])}))


@equation()
def shares(x: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """Each element over what its row and its column have, as shares of all."""
    i, j = index("n"), index("m")
    r, c = sum(j, x[i, j]).stack(i), sum(i, x[i, j]).stack(j)
    total = sum(i, r[i])
    y = x[i, j] / (r[i] * c[j] / total)
    return y.stack(i, j)


def test_an_element_stands_for_a_number_of_the_line_that_reads_both() -> None:
    found = {each.says: each.definition for each in elements_for_numbers(shares.definition)}
    x = np.random.default_rng(0).uniform(1, 2, (3, 4))

    value = evaluate(found["in y: c_j is used instead of total"], (x,), {})

    np.testing.assert_allclose(value, x / x.sum(1, keepdims=True), rtol=1e-12)
    assert "in y: r_i is used instead of total" in found
