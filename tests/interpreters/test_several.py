"""Several values of a number, evaluated at once, give what they give one by one."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec.interpreters.mutation.free_numbers import free_numbers
from attnspec.language.equation import REGISTRY
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.judge.mutant_values import sample_cases, values

IDS = (
    "attention.causal",
    "backward.layer_norm",
    "backward.lstm",
    "multihead.attention_biased",
    "recurrent.bidirectional_gru",
    "seq2seq.cross_entropy",
    "transformer.decoder_layer",
)
NUMBERS = (0.5, -1.0, 0.0, 1.25)


def assert_equal_to_one_by_one(id: str, case: Case, every: int) -> None:
    places = [*free_numbers(REGISTRY[id].definition)]
    for place in places[:: max(1, len(places) // every)]:
        at_once = values(place.insert_each(NUMBERS), case, len(NUMBERS))
        for k, number in enumerate(NUMBERS):
            alone = values(place.insert(number), case)
            assert alone is not None, place.shown
            assert at_once is not None, place.shown
            for a, b in zip(at_once, alone, strict=True):
                np.testing.assert_allclose(a[k], b, rtol=1e-9, atol=1e-12, err_msg=f"{place.kind} at {place.shown}")


@pytest.mark.parametrize("id", [id for id in IDS if id in REGISTRY])
def test_they_are_those_of_single_numbers(id: str) -> None:
    """For any place of an equation and four numbers there: the values at once are the values one by one."""
    case = min((each for each in sample_cases(REGISTRY[id]) if each.finite), key=lambda each: each.elements)
    assert_equal_to_one_by_one(id, case, every=12)


@pytest.mark.parametrize("batch", [(3,), (2, 3)])
def test_batch_axes_come_after_the_numbers(batch: tuple[int, ...]) -> None:
    """The same with batch axes, also where an array or a result has fewer of them."""
    equation = REGISTRY["scores.additive"]
    sizes = {
        dim: 2 + k for k, dim in enumerate(sorted({str(d) for p in equation.definition.parameters for d in p.dims}))
    }
    description = Description(tuple(sizes.items()), batch=batch)
    case = make(equation, description, "float64")
    assert_equal_to_one_by_one(equation.id, case, every=20)
