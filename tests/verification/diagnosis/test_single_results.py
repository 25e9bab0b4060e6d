"""Each wrong result is explained for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.formula.formula import text_of_result
from attnspec.interpreters.mutation.mutants import parts
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.single_results import mistakes_in_results, only
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Diagnosis
from synthetic import case_of, honest_answers, small_cases

GATES = "backward.lstm_gates"
RESULTS = [result.name for result in REGISTRY[GATES].definition.results]
POLICY = preset("op-by-op", "float32")
Results = dict[str, NDArray[np.float64]]


def found(observations: Sequence[Observation]) -> Diagnosis | None:
    return mistakes_in_results(Judge(REGISTRY[GATES], "float32"), observations, POLICY)


def wrong_by(change: Callable[[Results], Results]) -> list[Observation]:
    """Honest answers with some results replaced."""
    honest = honest_answers(GATES, "float32", "op-by-op", small_cases(GATES))
    named = [(each.case, dict(zip(RESULTS, each.answers, strict=True))) for each in honest]
    return [Observation(case, tuple((results | change(results)).values())) for case, results in named]


def test_every_wrong_result_has_its_own_sentence() -> None:
    said = found(wrong_by(lambda results: {"d_a_i": results["d_a_f"], "d_a_o": 2 * results["d_a_o"]}))

    assert said is not None
    assert "∂a_i: ∂a_f is returned instead of ∂a_i" in said.says
    assert "∂a_o: " in said.says
    assert "multiplied by 2" in said.says


def test_a_result_without_a_name_has_the_number_by_which_mistakes_name_it_too() -> None:
    definition = REGISTRY["attention_rnn.luong_step"].definition
    sites = {label for label, *_ in parts(definition) if label.startswith("result")}

    assert [text_of_result(definition, place) for place in range(3)] == ["s_next", "c_next", "result 3"]
    assert sites == {"result 1", "result 2", "result 3"}


def test_nothing_is_said_if_one_result_has_no_explanation() -> None:
    said = found(
        wrong_by(lambda results: {"d_a_i": results["d_a_f"], "d_a_o": results["d_a_o"] + 0.1 * results["d_c"] ** 2})
    )

    assert said is None


def test_a_result_of_other_inputs_is_named() -> None:
    """The last state is looked up as that of all rows where there are none; the outputs are right."""
    id = "recurrent.gru_lengths"
    observations = []
    for seed in range(4):
        case = case_of(id, t=4, d=3, u=5, batch=3, seed=seed)
        case.arrays["length"][:] = [seed, 0, 2]
        right, wrong = (
            evaluate(REGISTRY[id].definition, (), {**case.arguments, "length": length})
            for length in (case.arrays["length"], np.where(case.arrays["length"] == 0, 4, case.arrays["length"]))
        )
        observations.append(Observation(case, (np.asarray(right[0]), np.asarray(wrong[1]))))

    said = mistakes_in_results(Judge(REGISTRY[id], "float32"), observations, POLICY)

    assert said is not None
    assert said.says == "h_t: length = 0 is taken for t"


def test_nothing_is_said_of_right_results() -> None:
    assert found(wrong_by(dict)) is None


def test_the_equation_of_one_result_has_the_lines_that_it_needs() -> None:
    """It gives what the whole equation gives."""
    definition = REGISTRY[GATES].definition
    case = small_cases(GATES)[0]
    whole = evaluate(definition, (), case.arguments)

    for place, expected in enumerate(whole):
        alone = only(definition, place)
        assert len(alone.lines) < len(definition.lines)
        np.testing.assert_array_equal(evaluate(alone, (), case.arguments), expected)


def test_a_result_alone_has_the_noise_of_the_whole_equation() -> None:
    """The value is the same, and the same elements can be judged, so that the noise need not be computed again."""
    equation = REGISTRY[GATES]
    whole, output = Judge(equation, "float32"), RESULTS.index("d_a_o")
    alone = Judge(replace(equation, definition=only(equation.definition, output)), "float32")

    for case in small_cases(GATES):
        of_all, (of_one,) = whole.noise(case, POLICY)[output], alone.noise(case, POLICY)
        assert np.array_equal(of_all.value, of_one.value)
        assert np.array_equal(of_all.undecidable, of_one.undecidable)


def test_the_noise_of_a_result_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of answers, that of the whole equation is taken; only the noise of mistakes is new."""
    computed: list[Judge] = []
    own = Judge.noise_of

    def noted(self: Judge, *args: Any) -> Any:
        computed.append(self)
        return own(self, *args)

    monkeypatch.setattr(Judge, "noise_of", noted)
    judge = Judge(REGISTRY[GATES], "float32")
    said = mistakes_in_results(judge, wrong_by(lambda results: {"d_a_i": 3 * results["d_a_i"]}), POLICY)

    assert said is not None
    assert all(each is judge for each in computed)
