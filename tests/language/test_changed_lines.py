"""Mistakes and rewritings written as changed lines of their equation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY, Equation, NotationError, SpecError, mutate, rewrite
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.language.traversal import callees
from attnspec.verification.cases.case import make
from attnspec.verification.cases.suite import standard_suite

CELL, ATTENTION = "recurrent.gru_cell", "attention.scaled_dot_product"


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """The catalogue is left as it was."""
    kept = {id: (list(REGISTRY[id].curated), list(REGISTRY[id].forms)) for id in (CELL, ATTENTION)}
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


def test_a_changed_line_may_call_another_mistake() -> None:
    """As the step of a sequence, where the module has a name for it."""
    known = {each.name: each for each in REGISTRY["attention_rnn.self_attentive"].curated}
    called = {callee.id for callee in callees(known["zero_read_throughout"].equation.definition)}

    assert "attention_rnn.self_attentive_context/zero_read" in called


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ({"q": "sigmoid(x @ W_xr)"}, "there is no line q"),
        ({"r": "np.where(x, x, x)"}, "outside"),
        ({"r": "sigmoid(x @ W_hr)"}, "shapes do not fit"),
        ({"r": "sigmoid("}, "not Python"),
        ({"r": "sigmoid(h_tilde)"}, "h_tilde"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(lines: dict[str, str], says: str) -> None:
    with pytest.raises(NotationError) as raised:
        mutate(REGISTRY[CELL], "odd", lines, says="odd")

    assert says in str(raised.value)
    assert "odd" not in [each.name for each in REGISTRY[CELL].curated]


def test_lines_that_change_nothing_are_refused() -> None:
    with pytest.raises(SpecError, match=r"is recurrent\.gru_cell itself"):
        mutate(REGISTRY[CELL], "same", {"return": "z * h + (1 - z) * h_tilde"}, says="the same")
