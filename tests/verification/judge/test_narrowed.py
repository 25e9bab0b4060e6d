"""A few places of a long axis in place of all."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import outputs
from attnspec.thresholds import NARROWED_PLACES, WIDE_ELEMENTS
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Description, make
from attnspec.verification.judge.narrowed import narrowed


def _right(id: str, **sizes: int) -> Observation:
    """The equation's own values on a case."""
    equation = REGISTRY[id]
    case = make(equation, Description(tuple(sizes.items())), "float32")
    return Observation(case, tuple(value.copy() for value in outputs(equation.definition, case.arguments)))


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_the_places_that_are_furthest_off_are_kept_with_their_part_of_the_case(wrong: float) -> None:
    """Rows of queries have their values by themselves."""
    equation = REGISTRY["attention.scaled_dot_product"]
    whole = _right(equation.id, n=WIDE_ELEMENTS, m=3, d=2, e=2)
    whole.answers[0][40_000, 1] = wrong

    few = narrowed(whole, equation)
    (values,) = outputs(equation.definition, few.case.arguments)

    assert few.case.arrays["q"].shape == (NARROWED_PLACES, 2)
    assert few.case.arrays["k"].shape == (3, 2)
    assert (~np.isclose(few.answers[0], values)).sum() == 1


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param({"n": 3, "m": WIDE_ELEMENTS, "d": 2, "e": 2}, id="the keys of one query are summed"),
        pytest.param({"n": WIDE_ELEMENTS // 4, "m": 3, "d": 2, "e": 2}, id="a small case"),
    ],
)
def test_a_case_is_left_whole_where_its_places_depend_on_each_other_or_are_few(sizes: dict[str, int]) -> None:
    whole = _right("attention.scaled_dot_product", **sizes)

    assert narrowed(whole, REGISTRY["attention.scaled_dot_product"]) is whole
