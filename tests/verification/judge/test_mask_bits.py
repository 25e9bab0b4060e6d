"""A verdict says which bits of a mask no case shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from attnspec.interpreters.rounding.policy import preset
from attnspec.language.equation import REGISTRY
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mask_bits import MaskBits, effective_bits_of, unread_bits
from attnspec.verification.judge.mutant_values import values

MASKED = REGISTRY["attention.masked"]


def judged(cases: list[Case]) -> list[MaskBits]:
    """The bits that these cases leave open, of answers that are right."""
    judge = Judge(MASKED, "float32")
    observations = [Observation(case, values(MASKED.definition, case) or ()) for case in cases]
    return unread_bits(MASKED, judge.compare(observations, preset("op-by-op", "float32")))


def masked(mask: np.ndarray) -> Case:
    sizes = {str(dim): 4 for each in MASKED.definition.parameters for dim in each.dims}
    case = make(MASKED, Description(tuple(sizes.items())), "float32")
    return replace(case, arrays={**case.arrays, "mask": mask})


def test_every_bit_of_a_mask_matters() -> None:
    """First, inner and last queries and keys, taken for true and for false."""
    assert len(effective_bits_of(MASKED)) == 2 * 3**2


def test_a_mask_that_is_true_everywhere_does_not_show_who_ignores_it() -> None:
    unread = judged([masked(np.ones((4, 4), dtype=bool))])

    assert {bits.value for bits in unread} == {True}
    assert len(unread) == 3**2


def test_a_column_that_is_never_masked_is_named() -> None:
    generator = np.random.default_rng(0)
    masks = [generator.random((4, 4)) < 0.5 for _ in range(12)]
    for mask in masks:
        mask[:, -1] = True
    says = [bits.says for bits in judged([*map(masked, masks)])]

    assert says == [f"mask at the {place} n and the last m where it is False" for place in ("first", "inner", "last")]


@pytest.mark.parametrize("id", ["attention.masked", "multihead.masked", "backward.masked"])
def test_the_standard_cases_show_every_bit(id: str) -> None:
    equation = REGISTRY[id]
    cases = [make(equation, each, "float32") for each in standard_suite(equation, lambda _: 1, (0, 1))]
    small = [case for case in cases if case.finite and case.elements < 2_000]
    judge = Judge(equation, "float32")
    observations = [Observation(case, values(equation.definition, case) or ()) for case in small]

    assert effective_bits_of(equation)
    assert not unread_bits(equation, judge.compare(observations, preset("op-by-op", "float32")))
