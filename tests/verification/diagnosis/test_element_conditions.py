"""What elements of an argument have in common beside wrong elements of a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec import REGISTRY, equation
from attnspec.interpreters.rounding.policy import preset
from attnspec.notation import Bool, Float, Tensor, abs, index, where
from attnspec.verification.diagnosis.element_conditions import element_conditions
from attnspec.verification.judge.judge import Judge
from synthetic import case_of, honest_answers

RESIDUAL, POLICY = "transformer.residual", preset("op-by-op", "float32")

Array = NDArray[Any]


def found(wrong: Callable[[Array], Array], positive: bool = False) -> list[str]:
    """What is said of honest answers that are wrong beside some elements of the first argument."""
    equation, judge = REGISTRY[RESIDUAL], Judge(REGISTRY[RESIDUAL], "float32")
    name = equation.definition.parameters[0].name
    cases = [case_of(RESIDUAL, c=9, seed=seed, batch=seed) for seed in range(1, 6)]
    for case in cases:
        array = case.arrays[name]
        array[...] = np.abs(array) + 1 if positive else array
        array.flat[::5] = 0
    observations = honest_answers(RESIDUAL, "float32", "op-by-op", cases)
    spoilt = [
        replace(each, answers=(np.where(wrong(each.case.arrays[name]), each.answers[0] + 1, each.answers[0]),))
        for each in observations
    ]
    return element_conditions(equation.definition, judge.compare(spoilt, POLICY))


def test_a_value_beside_all_wrong_elements_alone_is_said() -> None:
    assert found(lambda x: x == 0) == ["only at elements where x is 0"]


def test_a_sign_beside_all_wrong_elements_is_said_though_right_ones_have_it_too() -> None:
    assert found(lambda x: x < -0.5) == ["only at elements where x is negative, though not at each such element"]


def test_nothing_is_said_of_what_wrong_elements_do_not_share() -> None:
    assert not found(lambda x: np.abs(x) > 0.5)


def test_nothing_is_said_of_what_most_right_elements_have() -> None:
    assert not found(lambda x: x > 2, positive=True)


@equation()
def kept_where(x: Float[Tensor, "t d"], keep: Bool[Tensor, "t d"]) -> Float[Tensor, "t d"]:
    """What is kept."""
    i, k = index("t"), index("d")
    return where(keep[i, k], x[i, k], 0).stack(i, k)


def test_a_mask_as_wide_as_the_result_is_one_of_the_conditions() -> None:
    """The masks of cases are numbers."""
    judge = Judge(kept_where, "float32")
    cases = [case_of(kept_where.id, t=7, d=9, seed=seed, batch=seed) for seed in range(1, 6)]
    observations = honest_answers(kept_where.id, "float32", "op-by-op", cases)
    spoilt = [
        replace(each, answers=(np.where(each.case.arrays["keep"] == 0, 1.0, each.answers[0]),)) for each in observations
    ]

    assert element_conditions(kept_where.definition, judge.compare(spoilt, POLICY)) == [
        "only at elements where keep is false"
    ]


@equation(options={"most": (3, 5)})
def with_distance(x: Float[Tensor, "n m"], *, most: int) -> Float[Tensor, "n m"]:
    """Rows with how far a column is from the diagonal, at the most so far."""
    i, j = index("n"), index("m")
    far = abs(i - j)
    y = x[i, j] + where(far < most, far, most)
    return y.stack(i, j)


def told_of_distance(wrong: Callable[[Array, Array, int], Array]) -> list[str]:
    judge = Judge(with_distance, "float32")
    drawn = [(case_of(with_distance.id, n=9, m=8, seed=most, batch=2), most) for most in (3, 5)]
    cases = [replace(case, options={"most": most}) for case, most in drawn]
    observations = honest_answers(with_distance.id, "float32", "op-by-op", cases)
    places = np.arange(9)[:, None], np.arange(8)[None]
    spoilt = [
        replace(each, answers=(each.answers[0] + wrong(*places, int(each.case.options["most"])),))
        for each in observations
    ]
    return element_conditions(with_distance.definition, judge.compare(spoilt, POLICY))


def test_lines_and_places_beside_wrong_elements_are_told() -> None:
    assert told_of_distance(lambda i, j, most: np.abs(i - j) >= most) == ["only at elements where far_ij ≥ most"]


def test_two_conditions_are_told_where_one_is_not_enough() -> None:
    assert told_of_distance(lambda i, j, most: (np.abs(i - j) >= most) & (i > j)) == [
        "only at elements where far_ij ≥ most ∧ i > j"
    ]
