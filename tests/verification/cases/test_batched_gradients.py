"""Over a batch, a gradient of what the examples share is the sum of theirs, and every other is an example's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.language.check import check
from attnspec.language.symbols import symbol
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import Case
from synthetic import Floats, case_of

GRADIENTS = tuple(
    equation.id for equation in REGISTRY.family("backward") if equation.gradient_of and not equation.largest
)
LINEAR, CELL = "backward.linear", "backward.gru_cell"
SOME = settings(max_examples=25)


def wanted(id: str) -> tuple[str, ...]:
    """What the results of a gradient are the gradients of, in their order."""
    forward = REGISTRY[REGISTRY[id].gradient_of].definition
    return tuple(parameter.name for parameter in forward.parameters if parameter.kind == "float")


def summed(id: str, **how: int) -> Case:
    """A case of a gradient, to be summed where its examples share what it is of."""
    return replace(case_of(id, "float64", **how), summed=wanted(id))


def gradients(id: str, case: Case) -> dict[str, Floats]:
    found = evaluate(lift_over_batch(REGISTRY[id].definition, case), (), case.arguments)
    return dict(zip(wanted(id), found if isinstance(found, tuple) else (found,), strict=True))


def example(case: Case, id: str, place: int) -> Case:
    """One example of a batch, with what all share."""
    shared = {name for name in case.arrays if symbol(name, id).weight}
    return replace(case, arrays={name: a if name in shared else a[place] for name, a in case.arrays.items()})


@pytest.mark.parametrize("id", GRADIENTS)
@given(batch=st.integers(1, 4), seed=st.integers(0, 1000))
@settings(max_examples=3)
def test_shared_gradients_are_summed_and_others_are_not(id: str, batch: int, seed: int) -> None:
    """Of every gradient of the catalogue, held against its examples one by one."""
    case = summed(id, batch=batch, seed=seed)
    each = [gradients(id, example(case, id, place)) for place in range(batch)]

    for name, found in gradients(id, case).items():
        own = np.stack([one[name] for one in each])
        expected = own.sum(axis=0) if symbol(name, id).weight else own
        assert found.shape == expected.shape, name
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-9), name


@given(st.sampled_from(GRADIENTS), st.integers(0, 3))
@SOME
def test_what_is_made_is_an_equation(id: str, batch: int) -> None:
    """It passes the checks of any other: noise, mutants and directions are made from it as from any other."""
    lifted = lift_over_batch(REGISTRY[id].definition, summed(id, batch=batch))

    check(lifted)
    assert [result.name for result in lifted.results] == [result.name for result in REGISTRY[id].definition.results]


def test_without_a_batch_an_equation_stays_as_it_is() -> None:
    definition = REGISTRY[LINEAR].definition

    assert lift_over_batch(definition, summed(LINEAR)) is definition


def test_where_nothing_is_summed_an_equation_stays_as_it_is() -> None:
    """A gradient that is written by hand has one for each example."""
    definition = REGISTRY[LINEAR].definition

    assert lift_over_batch(definition, case_of(LINEAR, batch=3)) is definition


def test_a_wrong_version_is_lifted_as_the_right_one_is() -> None:
    """A mutant of a gradient, over a batch, is summed too."""
    case = summed(CELL, batch=3)
    mutant = REGISTRY[CELL].mutants()[5]

    right = evaluate(lift_over_batch(REGISTRY[CELL].definition, case), (), case.arguments)
    wrong = evaluate(lift_over_batch(mutant.definition, case), (), case.arguments)

    assert [array.shape for array in wrong] == [array.shape for array in right]
    assert any(not np.allclose(a, b) for a, b in zip(wrong, right, strict=True))


def test_two_batch_axes_are_both_summed_over() -> None:
    case = summed(LINEAR, batch=3)
    arrays = {
        name: array if symbol(name, LINEAR).weight else np.stack([array, 2 * array])
        for name, array in case.arrays.items()
    }
    both = replace(case, arrays=arrays)

    once, twice = gradients(LINEAR, case), gradients(LINEAR, both)

    assert twice["b"] == pytest.approx(3 * once["b"])
    assert twice["W"] == pytest.approx(5 * once["W"]), "x and the gradient of the output are both twice as large"
    assert twice["x"].shape == (2, *once["x"].shape)


def test_an_empty_batch_has_no_gradient() -> None:
    found = gradients(LINEAR, summed(LINEAR, batch=0))

    assert found["x"].size == 0
    assert not found["W"].any()
    assert not found["b"].any()
