"""A size that is counted up from example to example of a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.counted_examples import counted_examples
from attnspec.verification.judge.judge import Judge
from synthetic import Array, case_of

SCORES, POLICY = "scores.scaled_dot", preset("op-by-op", "float32")


def observed(scale: Array) -> list[Observation]:
    """Scores of a batch of 4, of which each example is multiplied by a number of its own."""
    found = []
    for seed in (1, 2):
        case = case_of(SCORES, n=3, m=4, d=5, batch=4, seed=seed)
        value = np.asarray(evaluate(REGISTRY[SCORES].definition, (), case.arguments))
        found.append(Observation(case, (value * scale[:, None, None],)))
    return found


def test_a_width_that_is_not_reset_is_named() -> None:
    judge = Judge(REGISTRY[SCORES], "float32")

    found = counted_examples(judge, observed(np.sqrt(5 / (5 + np.arange(4)))), POLICY)

    assert found is not None
    assert found.says.endswith("d is counted up by 1, for each example of a batch")


def test_another_growth_is_not() -> None:
    judge = Judge(REGISTRY[SCORES], "float32")

    assert counted_examples(judge, observed(1 + np.arange(4)), POLICY) is None
    assert counted_examples(judge, [replace(each) for each in observed(np.full(4, 2.0))], POLICY) is None
