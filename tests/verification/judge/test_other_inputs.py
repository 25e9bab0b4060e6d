"""Values and noise on other inputs are the same whether they are computed at once or one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.errors import SpecError
from attnspec.interpreters.rounding.noise import noise, noise_of_each
from attnspec.interpreters.rounding.policy import preset
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


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize(
    "id",
    [
        "attention.padded",
        "backward.gru_cell",
        "recurrent.gru",
        "recurrent.stacked_lstm",
        "seq2seq.cross_entropy",
        "transformer.decoder_layer",
    ],
)
def test_noise_of_alike_cases_is_that_of_each(id: str, batch: int | None, dtype: str) -> None:
    """It is what each case has by itself, up to the simulated roundings, which depend on the last bit of values."""
    definition, policy = REGISTRY[id].definition, preset("op-by-op", dtype)
    cases = [case_of(id, dtype, batch=batch, seed=seed) for seed in range(4)]
    cases = [replace(case, options=cases[0].options) for case in cases]

    together = noise_of_each(definition, [case.arrays for case in cases], cases[0].options, policy)
    alone = [noise(definition, case.arrays, case.options, policy) for case in cases]

    for outputs, known in zip(together, alone, strict=True):
        for one, other in zip(outputs, known, strict=True):
            np.testing.assert_allclose(one.value, other.value, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(one.undecidable, other.undecidable)
            assert one.members.shape == other.members.shape
            assert (one.sigma <= 1.5 * other.sigma).all()
            assert (other.sigma <= 1.5 * one.sigma).all()


def test_the_largest_value_of_another_case_makes_nothing_undecidable() -> None:
    """An element is undecidable by the values of its own case alone."""
    definition, policy = REGISTRY["scores.dot"].definition, preset("op-by-op", "float32")
    ordinary = case_of("scores.dot", batch=2).arrays
    huge = {name: array * 2.0**60 for name, array in ordinary.items()}

    together = noise_of_each(definition, [huge, ordinary, huge], {}, policy)

    [alone] = noise(definition, ordinary, {}, policy)
    np.testing.assert_array_equal(together[1][0].undecidable, alone.undecidable)
    np.testing.assert_array_equal(together[1][0].bound, alone.bound)


@pytest.mark.parametrize("id", ["cost.linear_parameters", "scores.dot"])
def test_noise_of_inputs_without_a_difference_is_that_of_one(id: str) -> None:
    """Several equal inputs, and inputs without any array, have the noise of one each."""
    definition, policy, case = REGISTRY[id].definition, preset("op-by-op", "float32"), case_of(id)

    together = noise_of_each(definition, [case.arrays] * 3, case.options, policy)

    [alone] = noise(definition, case.arrays, case.options, policy)
    assert [outputs[0].value.shape for outputs in together] == [alone.value.shape] * 3
    for outputs in together:
        np.testing.assert_array_equal(outputs[0].bound, alone.bound)
