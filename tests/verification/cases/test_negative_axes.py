"""Axes such as n−9: cases have sizes with which they exist, and other sizes are refused in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec import Equation, VerdictKind, equation
from attnspec.errors import ShapeError, SpecError
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.notation import Float, Tensor, index
from attnspec.verification.cases.case import Description, make, without_negative_axes


@equation()
def from_the_tenth(x: Float[Tensor, "n d"]) -> Float[Tensor, "n-9 d"]:
    """The rows from the tenth."""
    i, k = index("n-9"), index("d")
    y = x[i + 9, k]
    return y.stack(i, k)


@equation()
def shortened(x: Float[Tensor, " n"], w: Float[Tensor, " m"]) -> Float[Tensor, " n-m"]:
    """The last places, each plus the last of w: as many as x is longer than w."""
    i = index("n-m")
    y = x[i] + w[0]
    return y.stack(i)


@equation()
def up_to_five(x: Float[Tensor, " n"]) -> Float[Tensor, " 5-n"]:
    """Multiples of the first number, as many as five are more than n."""
    i = index("5-n")
    y = x[0] + x[0] * i
    return y.stack(i)


@pytest.mark.parametrize(
    ("of", "sizes", "expected"),
    [
        (from_the_tenth, {"n": 3, "d": 2}, {"n": 9, "d": 2}),
        (from_the_tenth, {"n": 12, "d": 2}, {"n": 12, "d": 2}),
        (shortened, {"n": 2, "m": 5}, {"n": 5, "m": 5}),
        (up_to_five, {"n": 8}, {"n": 5}),
    ],
)
def test_sizes_are_changed_until_no_axis_is_negative(
    of: Equation[..., Any], sizes: dict[str, int], expected: dict[str, int]
) -> None:
    assert without_negative_axes(of, sizes) == expected
    case = make(of, Description(tuple(sizes.items())), "float32")
    assert case.description is not None
    assert dict(case.description.sizes) == expected


def test_smaller_arrays_are_refused_in_words() -> None:
    with pytest.raises(ShapeError, match="the axis n-9 would have -6 places") as refused:
        evaluate(from_the_tenth.definition, (np.zeros((3, 2)),), {})

    assert "n = 3" in str(refused.value)


def test_an_axis_that_is_always_negative_is_refused() -> None:
    @equation()
    def never(x: Float[Tensor, " n"]) -> Float[Tensor, " 0-n-n-1"]:
        """Less than nothing."""
        i = index("0-n-n-1")
        y = x[0] + x[0] * i
        return y.stack(i)

    with pytest.raises(SpecError, match="is negative"):
        without_negative_axes(never, {"n": 2})


def test_a_right_and_a_wrong_candidate_get_a_verdict() -> None:
    right = attnspec.verify(lambda x: x[..., 9:, :], from_the_tenth, framework="numpy", examples=5)
    wrong = attnspec.verify(lambda x: x[..., :-9, :], from_the_tenth, framework="numpy", examples=5)

    assert right.passed, str(right)
    assert wrong.verdict is VerdictKind.DIFFERS
