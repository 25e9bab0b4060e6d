"""Evaluation with a memory gives the values of evaluation without one, and computes less."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec.interpreters.evaluation import memo
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.evaluation.memo import Memory, Remembering
from attnspec.interpreters.mutation.mutants import mutants
from attnspec.language.equation import REGISTRY
from attnspec.verification.cases.case import Case
from attnspec.verification.judge.mutant_values import fits, sample_cases

IDS = ["attention.causal", "recurrent.lstm", "recurrent.stacked_lstm", "transformer.encoder_layer", "backward.softmax"]


def case_of(id: str) -> Case:
    return min(sample_cases(REGISTRY[id]), key=lambda case: case.elements)


def outputs(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("id", IDS)
def test_mutants_have_the_same_values_with_a_memory(id: str) -> None:
    """For any mutant, evaluated after others on the same arrays: its values are bit for bit those without a memory."""
    case, memory = case_of(id), Memory()
    tried = [mutant for mutant in mutants(REGISTRY[id]) if fits(mutant, case)]
    with np.errstate(all="ignore"):
        for mutant in (tried * 2)[:: max(1, len(tried) // 40)]:
            remembered = outputs(evaluate(mutant.definition, (), case.arguments, memory))
            computed = outputs(evaluate(mutant.definition, (), case.arguments))
            assert all(
                np.array_equal(a, b, equal_nan=True)  # type: ignore[arg-type]  # evaluate returns Any
                for a, b in zip(remembered, computed, strict=True)
            ), mutant.id


def test_a_changed_argument_changes_the_value() -> None:
    equation, memory = REGISTRY["scores.scaled_dot"], Memory()
    q, k = np.ones((2, 4)), np.ones((3, 4))
    first = evaluate(equation.definition, (q, k), {}, memory)
    second = evaluate(equation.definition, (2 * q, k), {}, memory)
    assert np.array_equal(second, 2 * first)


def test_options_of_equal_values_and_other_types_are_told_apart() -> None:
    equation, memory = REGISTRY["transformer.layer_norm"], Memory()
    x, ones = np.array([1.0, 2.0]), np.ones(2)
    near, far = (evaluate(equation.definition, (x, ones, ones), {"eps": eps}, memory) for eps in (1e-5, 1.0))
    assert not np.array_equal(near, far)


def test_what_is_known_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    case, memory, definition = case_of("recurrent.lstm"), Memory(), REGISTRY["recurrent.lstm"].definition
    computed: list[str] = []

    def counted(self: Remembering, op: str, *operands: object) -> object:
        computed.append(op)
        return apply(self, op, *operands)

    apply = Remembering.apply
    monkeypatch.setattr(Remembering, "apply", counted)
    evaluate(definition, (), case.arguments, memory)
    assert computed
    computed.clear()
    evaluate(definition, (), case.arguments, memory)
    assert computed == []


def test_a_full_memory_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MOST_VALUES", 20)
    definition, memory = REGISTRY["scores.scaled_dot"].definition, Memory()
    for size in range(1, 30):
        q = np.full((2, 4), float(size))
        assert np.array_equal(evaluate(definition, (q, q), {}, memory), evaluate(definition, (q, q), {}))
        assert len(memory) <= 20 + len(definition.roots) + 2
