"""Mutants that a verdict leaves out as equivalent, examined again to 100 digits."""

from __future__ import annotations

from itertools import islice

import pytest

import attnspec
from attnspec.verification.cases.case import Case, make, smallest
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.mutant_values import fits, non_equivalent_mutants

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from attnspec.interpreters.balls.ball import Undecided, working
from attnspec.interpreters.balls.value import value_in_balls
from attnspec.verification.function.comparison import compare

BITS = 400
CASES = 2
EQUATIONS = [each for each in attnspec.equations().values() if isinstance(each, attnspec.Equation)]


def small_cases(equation: attnspec.Equation) -> list[Case]:  # type: ignore[type-arg]  # of any signature
    descriptions = standard_suite(equation, lambda name: 1 if name == "batch" else smallest(equation, name), (0,))
    return [make(equation, each, "float32") for each in islice(descriptions, CASES)]


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted({each.id.partition(".")[0] for each in EQUATIONS}))
def test_equivalent_mutants_are_equal_to_100_digits(family: str) -> None:
    """In balls they meet the equation on ordinary cases, to at least 100 digits."""
    apart = []
    for equation in (each for each in EQUATIONS if each.id.startswith(f"{family}.")):
        kept = {mutant.id for mutant in non_equivalent_mutants(equation, True)}
        left_out = [mutant for mutant in equation.mutants() if mutant.id not in kept]
        for case in small_cases(equation) if left_out else ():
            expected = value_in_balls(equation.definition, case.arguments, BITS)
            for mutant in (each for each in left_out if fits(each, case)):
                try:
                    got = value_in_balls(mutant.definition, case.arguments, BITS)
                except (Undecided, ValueError, TypeError):  # kinks; matrices of other shapes; layers without a value
                    continue
                with working(BITS):
                    comparison = compare(expected, got, 0.0)
                if comparison.separated or comparison.digits < 100:
                    apart.append(f"{equation.id}: {mutant.says}, {comparison.separated[:1]}")

    assert not apart
