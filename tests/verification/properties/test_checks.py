"""Properties are asked of a candidate with arguments of the form that every other question has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.layers import sizes_of
from attnspec.properties import PROPERTIES
from attnspec.verification.cases.case import Case
from attnspec.verification.properties.checks import DEFAULT_SIZES, _drawn, check_properties
from attnspec.verification.properties.relations import applies, noise_under

PADDED = REGISTRY["recurrent.gru_lengths"]


@pytest.mark.parametrize("axes", [0, 1])
def test_a_single_number_of_each_example_is_an_array(axes: int) -> None:
    """A length is an array without axes, or with those of the batch, and every property can be asked."""
    noise_of = noise_under(PADDED, preset("op-by-op", "float32"))
    shapes = []

    def ask(case: Case) -> tuple[np.ndarray[Any, Any], ...]:
        shapes.append({type(array) for array in case.arrays.values()} | {case.arrays["length"].shape})
        y, h = PADDED(**case.arrays)
        return np.asarray(y), np.asarray(h)

    found = check_properties(PADDED, "float32", noise_of, lambda name: 0, axes, ask, seed=0)

    assert found.results == tuple((law.name, True) for law in PROPERTIES[PADDED.id])
    assert not found.skipped
    assert all(each == {np.ndarray, (1,) * axes} for each in shapes)


def test_a_case_is_drawn_for_every_equation_of_many_sizes() -> None:
    """Each property applies to its case, however many sizes the equation has."""
    many = [each for each in REGISTRY.values() if len([*sizes_of(each.definition)]) >= len(DEFAULT_SIZES)]
    laws = [(each, law) for each in many for law in PROPERTIES.get(each.id, ())]

    assert any(len([*sizes_of(each.definition)]) > len(DEFAULT_SIZES) for each, _ in laws)
    for equation, law in laws:
        assert applies(law, _drawn(equation, law, lambda name: 0, "float32", 0)), law.name
