"""A few places of a long axis in place of all."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import outputs
from attnspec.thresholds import NARROWED_PLACES, WIDE_ELEMENTS
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Description, make
from attnspec.verification.judge.narrowed import few_examples, narrowed


def _right(id: str, batch: tuple[int, ...] = (), **sizes: int) -> Observation:
    """The equation's own values on a case."""
    equation = REGISTRY[id]
    case = make(equation, Description(tuple(sizes.items()), batch=batch), "float32")
    return Observation(case, tuple(value.copy() for value in outputs(equation.definition, case.arguments)))


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_the_places_that_are_furthest_off_are_kept_with_their_part_of_the_case(wrong: float) -> None:
    """Rows of queries have their values by themselves."""
    equation = REGISTRY["attention.scaled_dot_product"]
    whole = _right(equation.id, n=WIDE_ELEMENTS, m=3, d=2, e=2)
    whole.answers[0][WIDE_ELEMENTS // 2, 1] = wrong

    few = narrowed(whole, equation)
    (values,) = outputs(equation.definition, few.case.arguments)

    assert few.case.arrays["q"].shape == (NARROWED_PLACES, 2)
    assert few.case.arrays["k"].shape == (3, 2)
    assert (~np.isclose(few.answers[0], values)).sum() == 1


@pytest.mark.parametrize("batch", [(1_000,), (2, 1_000)])
def test_the_examples_that_are_furthest_off_are_kept_of_a_large_batch(batch: tuple[int, ...]) -> None:
    """Each example has its value by itself, also of a recurrence; weights stay whole."""
    equation = REGISTRY["recurrent.simple_rnn"]
    whole = _right(equation.id, batch, t=9, d=2, u=1)
    whole.answers[0][..., 700, 3, 0] = -7.0

    few = few_examples(whole, equation)
    (values,) = outputs(equation.definition, few.case.arguments)

    assert few.case.arrays["x"].shape == (*batch[:-1], NARROWED_PLACES, 9, 2)
    assert few.case.arrays["W_xh"].shape == (2, 1)
    assert (~np.isclose(few.answers[0], values)).sum() == len(batch)


@pytest.mark.parametrize(
    ("batch", "sizes"),
    [
        pytest.param((), {"t": 9, "d": WIDE_ELEMENTS, "u": 1}, id="no batch"),
        pytest.param((20,), {"t": 1_000, "d": 2, "u": 1}, id="another axis is longer"),
        pytest.param((100,), {"t": 9, "d": 2, "u": 1}, id="a small case"),
    ],
)
def test_a_case_is_left_whole_of_which_the_batch_is_not_what_is_large(
    batch: tuple[int, ...], sizes: dict[str, int]
) -> None:
    whole = _right("recurrent.simple_rnn", batch, **sizes)

    assert few_examples(whole, REGISTRY["recurrent.simple_rnn"]) is whole


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param({"n": 3, "m": WIDE_ELEMENTS, "d": 2, "e": 2}, id="the keys of one query are summed"),
        pytest.param({"n": WIDE_ELEMENTS // 4, "m": 3, "d": 2, "e": 2}, id="a small case"),
    ],
)
def test_a_case_is_left_whole_where_its_places_depend_on_each_other_or_are_few(sizes: dict[str, int]) -> None:
    whole = _right("attention.scaled_dot_product", (), **sizes)

    assert narrowed(whole, REGISTRY["attention.scaled_dot_product"]) is whole
