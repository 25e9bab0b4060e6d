"""Values on other inputs are the same whether they are computed at once or one by one."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.errors import SpecError
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.input_changes import Change, input_changes
from attnspec.verification.judge import other_inputs
from attnspec.verification.judge.mutant_values import differ, values
from attnspec.verification.judge.other_inputs import values_of_others
from synthetic import case_of

SHOWN = 40
"""How many changes of inputs are compared for each equation."""


def changed(change: Change, case: Case) -> Case | None:
    """The changed case; None where the change does not apply."""
    try:
        return change.of(case)
    except (SpecError, ValueError, IndexError):
        return None


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize(
    "id",
    [
        "attention.padded",
        "backward.attention",
        "backward.gru_cell",
        "generation.transformer_greedy_decode",
        "recurrent.bidirectional_lstm_lengths",
        "seq2seq.cross_entropy",
        "transformer.encoder_layer",
    ],
)
def test_values_at_once_are_those_one_by_one(id: str, batch: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of cases that were changed in any way, with and without a batch; most of them are evaluated at once."""
    definition, case = REGISTRY[id].definition, case_of(id, batch=batch)
    made = (changed(change, case) for change in input_changes(definition))
    others = [*islice((other for other in made if other is not None), SHOWN)]
    expected = [values(definition, other) for other in others]

    alone: list[Case] = []

    def one(tree: object, other: Case, *at_once: object) -> object:
        alone.extend([] if at_once else [other])
        return values(definition, other, *at_once)  # type: ignore[arg-type]  # they are handed on as they came

    monkeypatch.setattr(other_inputs, "values", one)
    found = values_of_others(definition, case, others)

    assert len(found) == len(others) > 1
    assert len(alone) < len(others) / 2
    for outputs, known in zip(found, expected, strict=True):
        assert (outputs is None) == (known is None)
        assert outputs is None or not differ(outputs, known)


def test_one_array_of_two_arguments_is_changed_for_one_of_them() -> None:
    """Where two arguments are the same array, another value of one leaves the other as it is."""
    definition = REGISTRY["scores.dot"].definition
    array = np.arange(12.0).reshape(3, 4)
    names = [parameter.name for parameter in definition.parameters]
    case = Case(dict.fromkeys(names, array), {})
    others = [Case({**case.arrays, names[0]: array + k}, {}) for k in (1.0, 2.0)]

    for outputs, other in zip(values_of_others(definition, case, others), others, strict=True):
        assert outputs is not None
        assert not differ(outputs, values(definition, other))
