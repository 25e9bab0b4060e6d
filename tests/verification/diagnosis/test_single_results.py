"""Each wrong result is explained for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.single_results import mistakes_in_results, only
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Diagnosis
from synthetic import honest_answers, small_cases

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


def test_nothing_is_said_if_one_result_has_no_explanation() -> None:
    said = found(
        wrong_by(lambda results: {"d_a_i": results["d_a_f"], "d_a_o": results["d_a_o"] + 0.1 * results["d_c"] ** 2})
    )

    assert said is None


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
