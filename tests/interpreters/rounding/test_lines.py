"""The noise of lines: that of the results where a line is one, and the values of all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.memo import Memory
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.mutants import generated_mutations
from attnspec.interpreters.rounding.lines import Visit, evaluated, line_noises
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.tree import Definition
from attnspec.verification.cases.case import Case, make
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.kept_values import Outputs
from attnspec.verification.judge.mutant_values import differ, together

POLICY = preset("op-by-op", "float32")


def case_of(id: str) -> Case:
    equation = REGISTRY[id]
    return make(equation, next(standard_suite(equation, lambda name: 1, (0,))), "float32")


def visits(id: str) -> tuple[Visit, ...]:
    case = case_of(id)
    return line_noises(REGISTRY[id].definition, case.arrays, case.options, POLICY)


def lines(visit: Visit) -> dict[str, Any]:
    """The values of the lines of a visit by name."""
    return {part.target: found.value for part, found in visit.noises.items() if part.target}


@pytest.mark.parametrize("id", ["attention.scaled_dot_product", "recurrent.lstm_cell", "transformer.layer_norm"])
def test_a_line_that_is_a_result_has_its_noise(id: str) -> None:
    case, definition = case_of(id), REGISTRY[id].definition
    whole = noise(definition, case.arrays, case.options, POLICY)
    last = lines(visits(id)[-1])
    pairs = {
        result.name: (last[result.name], expected.value)
        for result, expected in zip(definition.results, whole, strict=True)
        if result.name in last
    }

    assert pairs
    assert all(np.array_equal(own, expected) for own, expected in pairs.values())


def test_the_parts_of_a_line_are_there() -> None:
    visit = visits("recurrent.gru_cell")[-1]
    texts = {text_of(part.node, visit.definition) for part in visit.noises if part.path}

    assert {"x W_xr", "h W_hr", "r ⊙ h", "1 − z"} <= texts


def test_a_recurrence_visits_its_step_once_a_step() -> None:
    *steps, whole = visits("recurrent.gru")
    case = case_of("recurrent.gru")

    assert [dict(step.steps) for step in steps] == [{"t": t} for t in range(case.arrays["x"].shape[0])]
    assert {step.place for step in steps} == {("h",)}
    assert np.array_equal(steps[0].arguments["h"], case.arrays["h_0"])
    assert np.array_equal(steps[1].arguments["x"], case.arrays["x"][1])
    assert whole.place == ()


def test_a_line_is_evaluated_again_from_the_values_of_the_others() -> None:
    visit = visits("recurrent.gru_cell")[-1]

    for root in range(3):
        again = evaluated(visit, visit.definition, [root], Memory())
        assert again is not None
        assert np.array_equal(again, lines(visit)[visit.definition.lines[root].targets[0]])


@pytest.mark.parametrize("id", ["recurrent.gru_cell", "backward.gru", "attention.scaled_dot_product"])
def test_mutants_of_a_line_have_the_same_values_at_once_and_alone(id: str) -> None:
    """The values of a line of merged mutants are, along the first axis, those of each mutant by itself."""
    visit = visits(id)[-1]
    root = 0
    mutants = [tree for _, _, tree, equal in generated_mutations(visit.definition, [root]) if not equal][:30]
    alone = [evaluated(visit, mutant, [root], Memory()) for mutant in mutants]

    def evaluate(mutant: Definition, several: int) -> Outputs:
        value = evaluated(visit, mutant, [root], Memory(), several)
        return None if value is None else (value,)

    for value, outputs in zip(alone, together(mutants, evaluate), strict=True):
        assert (value is None) == (outputs is None)
        if value is not None and outputs is not None:
            whole = np.broadcast_to(value, outputs[0].shape)
            assert not differ([whole], outputs)


def test_a_result_that_calls_an_equation_has_noise_once() -> None:
    *_, last = found = visits("seq2seq.perplexity")
    (result,) = (part for part in last.noises if not part.path and not part.target)

    assert [visit.definition.id for visit in found].count("seq2seq.sequence_loss") == 1
    assert (last.noises[result].value > 1).all()
