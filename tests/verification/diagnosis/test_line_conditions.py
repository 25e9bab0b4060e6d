"""What the values of lines have in common in the cases that fail alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import outputs, values_of_lines
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.line_conditions import line_conditions
from synthetic import Array, case_of
from trees import read

ATTENTION = "attention.scaled_dot_product"


def _attention(count: int, change: Callable[[Array, int], Array]) -> list[Case]:
    """Cases of attention, whose queries are changed by the number of the case."""
    cases = [case_of(ATTENTION, n=3, m=4, d=2, e=2, seed=seed) for seed in range(count)]
    for seed, case in enumerate(cases):
        case.arrays["q"][:] = change(np.clip(case.arrays["q"], -1, 1), seed)
        case.arrays["k"][:] = np.clip(case.arrays["k"], -1, 1)
    return cases


def test_a_line_of_conditions_is_looked_at() -> None:
    """It is true somewhere in the cases that fail alone; in an empty case there is nothing to look at."""
    definition = read(
        """def f(a: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    i = index("n")
    above = a[i] > 1
    y = where(above, a[i], 0)
    return y.stack(i)"""
    )
    cases = [Case({"a": np.full(3, 1.0 + (seed < 4))}, {}) for seed in range(20)]

    found = line_conditions(definition, cases[:4], [*cases[4:], Case({"a": np.zeros(0)}, {})])

    assert found == ["only where above_i reaches 1, and never up to 0"]


def test_what_functions_are_taken_of_is_looked_at_before_the_lines() -> None:
    """Of two sigmoids either may have the large operand; the line of none of them is large in all cases that fail."""
    definition = read(
        """def f(a: Float[Tensor, "n"], b: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    r = sigmoid(a)
    z = sigmoid(b)
    return r + z"""
    )
    cases = [
        Case({"a": np.full(3, 90.0 * (seed in (0, 1))), "b": np.full(3, 90.0 * (seed in (2, 3)))}, {})
        for seed in range(20)
    ]

    found = line_conditions(definition, cases[:4], cases[4:])

    assert found == ["only where what σ is taken of reaches 90, and never up to 0"]


def test_the_values_of_lines_lead_to_the_results() -> None:
    equation = REGISTRY[ATTENTION]
    case = case_of(ATTENTION, n=3, m=4, d=2, e=2, batch=2)

    lines = values_of_lines(equation.definition, case.arguments)

    assert [*lines] == ["e", "alpha", "c"]
    assert np.array_equal(lines["c"], outputs(equation.definition, case.arguments)[0])


@pytest.mark.parametrize(
    ("few", "change", "says"),
    [
        (1, lambda q, seed: np.zeros_like(q) if seed == 0 else q, ["only where e_ij is 0"]),
        (1, lambda q, seed: np.where(seed == 0, np.inf, 0) + q, ["only where e_ij is infinite or NaN"]),
        (1, lambda q, seed: q * 100 if seed == 0 else q, []),
        (4, lambda q, seed: np.abs(q) * 100 if seed < 4 else q, ["only where e_ij reaches "]),
        (4, lambda q, seed: q, []),
    ],
    ids=["a score of 0", "an overflow", "one large case, which is so by chance", "four large cases", "nothing"],
)
def test_a_line_that_tells_the_failing_cases_apart_is_said(
    few: int, change: Callable[[Array, int], Array], says: list[str]
) -> None:
    cases = _attention(20, change)

    found = line_conditions(REGISTRY[ATTENTION].definition, cases[:few], cases[few:])

    assert len(found) == len(says)
    assert all(fact.startswith(start) for fact, start in zip(found, says, strict=True))
