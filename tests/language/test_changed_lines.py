"""Mistakes and rewritings written as changed lines of their equation."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float

from attnspec import REGISTRY, Equation, NotationError, SpecError, equation, mutate, rewrite
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.language.traversal import callees
from attnspec.notation import Tensor, relu
from attnspec.verification.cases.case import make
from attnspec.verification.cases.suite import standard_suite

CELL, ATTENTION = "recurrent.gru_cell", "attention.scaled_dot_product"
SEQUENCE, COLUMNS, GRADIENT = "recurrent.lstm", "self_attention.columns", "backward.scaled_dot_product"
CHANGED = (CELL, ATTENTION, SEQUENCE, COLUMNS, GRADIENT, "recurrent.lstm_cell", "attention_rnn.readout_step")


@equation()
def rectified(x: Float[Tensor, " d"], W: Float[Tensor, "d e"]) -> Float[Tensor, " e"]:
    """A rectifier over a linear map."""
    a = x @ W  # linear
    return relu(a)


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """The catalogue is left as it was."""
    kept = {id: (list(REGISTRY[id].curated), list(REGISTRY[id].forms)) for id in CHANGED}
    yield
    for id, (mutants, forms) in kept.items():
        REGISTRY[id].own_mutants[:], REGISTRY[id].own_forms[:] = mutants, forms


def arguments(id: str) -> Mapping[str, Any]:
    description = next(standard_suite(REGISTRY[id], lambda name: 1, (0,)))
    return make(REGISTRY[id], description, "float64").arguments


def value(equation: Equation[..., Any], given: Mapping[str, Any]) -> Any:
    return evaluate(equation.definition, (), given)


def test_one_line_is_changed_and_all_others_stay() -> None:
    cell, given = REGISTRY[CELL], arguments(CELL)
    wrong = mutate(cell, "swapped", {"return": "(1 - z) * h + z * h_tilde"}, says="z and 1 − z are swapped")
    old, z = given["h"], value(mutate(cell, "gate", {"return": "z"}, says="the gate"), given)
    candidate = value(mutate(cell, "candidate", {"return": "h_tilde"}, says="the candidate"), given)

    assert wrong.definition.lines == cell.definition.lines
    assert wrong.id == f"{CELL}/swapped"
    np.testing.assert_allclose(value(wrong, given), (1 - z) * old + z * candidate, rtol=1e-12)


def test_a_mistake_is_kept_with_its_sentence_and_replaces_one_of_its_name() -> None:
    cell = REGISTRY[CELL]
    before = len(cell.curated)
    mutate(cell, "mine", {"r": "sigmoid(x @ W_xr)"}, says="first")
    mutate(cell, "mine", {"r": "sigmoid(h @ W_hr)"}, says="second", in_storage=True)
    item = cell.curated[-1]

    assert len(cell.curated) == before + 1
    assert (item.name, item.says, item.in_storage) == ("mine", "second", True)


def test_a_rewriting_is_a_form() -> None:
    cell, given = REGISTRY[CELL], arguments(CELL)
    other = rewrite(cell, "lerp", {"return": "h_tilde + z * (h - h_tilde)"}, says="interpolated")

    assert cell.forms[-1].equation is other
    np.testing.assert_allclose(value(other, given), value(cell, given), rtol=1e-12)


def test_a_new_line_stands_before_the_next_that_is_changed() -> None:
    """And may use words that the file of the equation does not import."""
    attention = REGISTRY[ATTENTION]
    lines = {"top": "max(j, e)", "alpha": "softmax(j, where(e < top, e, top))"}
    same = rewrite(attention, "from_the_top", lines, says="the same")

    assert [line.targets for line in same.definition.lines] == [("e",), ("top",), ("alpha",), ("c",)]
    given = arguments(ATTENTION)
    np.testing.assert_allclose(value(same, given), value(attention, given), rtol=1e-12)


def test_what_is_no_longer_read_is_left_out() -> None:
    short = mutate(REGISTRY[CELL], "no_gate", {"return": "h_tilde"}, says="the update gate is left out")

    assert [line.targets for line in short.definition.lines] == [("r",), ("h_tilde",)]


def test_one_of_two_lines_that_are_written_as_one_is_changed() -> None:
    """`q, k, v = …, …, …` is three lines."""
    columns = REGISTRY[COLUMNS]
    wrong = mutate(columns, "keys_as_queries", {"k": "transpose(W_q @ x)"}, says="the keys are the queries")
    changed = [
        new.targets for new, old in zip(wrong.definition.lines, columns.definition.lines, strict=True) if new != old
    ]

    assert changed == [("k",)]


def test_one_of_several_results_is_changed() -> None:
    cell = REGISTRY["recurrent.lstm_cell"]
    wrong = mutate(cell, "old_cell", {"return": "h_next, c"}, says="the cell state is returned as it was")
    given = arguments(cell.id)
    (h, c), (h_right, _) = value(wrong, given), value(cell, given)

    np.testing.assert_array_equal(h, h_right)
    np.testing.assert_array_equal(c, given["c"])


def test_a_line_that_defines_two_names_is_changed_by_both() -> None:
    """However the names are spaced."""
    lines = {
        "h,c": """scan(
            t,
            lambda h, c: lstm_cell(x[t], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o),
            c_0, h_0,
        )"""
    }
    wrong = mutate(REGISTRY[SEQUENCE], "states_swapped", lines, says="the first states are swapped")
    given = dict(arguments(SEQUENCE))
    right = value(REGISTRY[SEQUENCE], given | {"h_0": given["c_0"], "c_0": given["h_0"]})

    for ours, theirs in zip(value(wrong, given), right, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_changed_line_calls_equations_by_the_names_that_they_have_where_it_is_written() -> None:
    another = REGISTRY["recurrent.gru_cell"]
    lines = {"s_next": "another(y, s, W_xh, W_hh, b_h, W_xh, W_hh, b_h, W_xh, W_hh, b_h)"}
    wrong = mutate(REGISTRY["attention_rnn.readout_step"], "gru", lines, says="a GRU with one set of weights")

    assert [callee.id for callee in callees(wrong.definition)] == [another.id]


def test_lines_that_stay_mean_what_they_mean_in_the_equation() -> None:
    """Also where a name that they use means something else where the change is written."""
    simple_rnn_cell = REGISTRY["attention.weights"]
    step = REGISTRY["attention_rnn.readout_step"]
    wrong = mutate(step, "late", {"alpha": "softmax(j, (h[j] @ W_k) @ (s @ W_q))"}, says="attention one step late")

    assert simple_rnn_cell.id not in [callee.id for callee in callees(wrong.definition)]
    assert list(callees(wrong.definition)) == list(callees(step.definition))


def test_another_equation_is_called() -> None:
    cell, sequence = REGISTRY["recurrent.lstm_cell"], REGISTRY[SEQUENCE]
    wrong_cell = mutate(cell, "no_output_gate", {"h_next": "tanh(c_next)"}, says="the output gate is left out")
    wrong = mutate(sequence, "no_output_gates", calls={cell: wrong_cell}, says="the output gate is left out")
    given = dict(arguments(SEQUENCE))
    open_gates = given | {"b_o": 0 * given["b_o"] + 1000, "W_xo": 0 * given["W_xo"], "W_ho": 0 * given["W_ho"]}

    assert [callee.id for callee in callees(wrong.definition)] == [f"{cell.id}/no_output_gate"]
    for ours, theirs in zip(value(wrong, given), value(sequence, open_gates), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_another_equation_is_called_in_changed_lines_too() -> None:
    known = {each.name: each for each in REGISTRY["seq2seq.generate_window"].curated}
    called = {callee.id for callee in callees(known["writes_backwards"].equation.definition)}

    assert called == {"seq2seq.generate_window_step/put_in_front"}


def test_what_is_called_in_place_of_another_must_be_called_and_take_the_same() -> None:
    cell, sequence, other = REGISTRY["recurrent.lstm_cell"], REGISTRY[SEQUENCE], REGISTRY[CELL]
    with pytest.raises(SpecError, match=r"does not call recurrent\.gru_cell") as not_called:
        mutate(sequence, "odd", calls={other: cell}, says="odd")
    with pytest.raises(SpecError, match="does not have the signature of"):
        mutate(sequence, "odd", calls={cell: other}, says="odd")

    assert not_called.value.expected == "recurrent.lstm_cell"
    assert "odd" not in [each.name for each in sequence.curated]


def test_what_is_written_as_a_change_is_not_changed_again() -> None:
    """Its function is that of the equation, whose other changes would be lost in silence."""
    wrong = mutate(REGISTRY[CELL], "gate", {"return": "z"}, says="the gate")
    with pytest.raises(SpecError, match="written as a change"):
        mutate(wrong, "gate_again", {"return": "z"}, says="the gate")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ({"q": "sigmoid(x @ W_xr)"}, "has no line q"),
        ({"rr": "sigmoid(x @ W_xr)", "z": "sigmoid(x @ W_xz)"}, "reads rr"),
        ({"retrun": "h", "z": "sigmoid(x @ W_xz)"}, "reads retrun"),
        ({"r": "np.where(x, x, x)"}, "outside the notation"),
        ({"r": "sigmoid(x @ W_hr)"}, "shapes do not fit"),
        ({"return": "x"}, "shapes do not fit"),
        ({"return": "h, h_tilde"}, "returns 2 values and annotates 1"),
        ({"r": "sigmoid("}, "not Python"),
        ({"r": "sigmoid(x @ W_xr)\nz = 3"}, "not Python"),
        ({"r s": "sigmoid(x @ W_xr)"}, "not Python"),
        ({"r": "sigmoid(h_tilde)"}, "uses h_tilde before it is defined"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(lines: dict[str, str], says: str) -> None:
    line = sys._getframe().f_lineno + 2
    with pytest.raises(NotationError) as raised:
        mutate(REGISTRY[CELL], "odd", lines, says="odd")

    assert raised.value.headline.startswith(f"language/test_changed_lines.py:{line}: ")
    assert says in raised.value.headline
    assert raised.value.given
    assert "odd" not in [each.name for each in REGISTRY[CELL].curated]


def test_a_line_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(NotationError) as raised:
        mutate(REGISTRY[CELL], "odd", {"h_tidle": "tanh(x @ W_xh)"}, says="odd")

    assert "r, z, h_tilde, return" in raised.value.expected
    assert raised.value.mend == "did you mean h_tilde?"


@pytest.mark.parametrize(
    ("id", "lines"),
    [
        (CELL, {"return": "z * h + (1 - z) * h_tilde"}),
        (CELL, {}),
        (GRADIENT, {"d_p": "d_o[i] @ v[j]"}),  # the results of a gradient have names of their own
    ],
)
def test_lines_that_change_nothing_are_refused(id: str, lines: dict[str, str]) -> None:
    with pytest.raises(SpecError, match=f"is {id} itself"):
        mutate(REGISTRY[id], "same", lines, says="the same")


def test_mistakes_of_an_equation_of_ones_own() -> None:
    """A comment beside a line belongs to the line that is there, not to one in its place."""
    mutate(rectified, "no_rectifier", {"return": "a"}, says="the rectifier is left out")
    mutate(rectified, "softer", {"a": "tanh(x @ W)"}, says="tanh before the rectifier")
    [left_out, softer] = rectified.curated
    given = {"x": np.array([1.0, -2.0]), "W": np.array([[1.0, 0.5], [1.0, 0.0]])}

    np.testing.assert_array_equal(value(left_out.equation, given), [-1.0, 0.5])
    assert {"the rectifier is left out", "tanh before the rectifier"} <= {each.says for each in rectified.mutants()}
    assert [line.comment for line in left_out.equation.definition.lines] == ["linear"]
    assert [line.comment for line in softer.equation.definition.lines] == [""]
