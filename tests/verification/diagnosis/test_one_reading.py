"""A line that is wrong at one of its readings is named with that reading; right answers have none."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.one_reading import mistake_at_one_reading, readings
from attnspec.verification.judge.judge import Judge
from synthetic import Array, case_of

HALVES, CELL, GATED = "position.sinusoidal_halves", "recurrent.lstm_cell", "recurrent.gru_cell"
POLICY = preset("op-by-op", "float32")


@pytest.mark.parametrize("id", [HALVES, CELL, GATED, "transformer.layer_norm"])
def test_the_equation_with_a_copy_of_a_line_has_its_values(id: str) -> None:
    sizes = {"t": 5, "d": 6} if id == HALVES else {"d": 6} if id == "transformer.layer_norm" else {"d": 3, "u": 4}
    case, found = case_of(id, **sizes), [*readings(REGISTRY[id].definition)]

    assert found
    for each in found:
        copied, right = (evaluate(one, (), case.arguments) for one in (each.definition, REGISTRY[id].definition))
        np.testing.assert_array_equal(np.asarray(copied), np.asarray(right))


def waves(case: Case, further: float) -> Array:
    """Sines of the even columns in the first half, cosines of columns that are so many further on in the second."""
    t, d = case.options["t"], case.options["d"]
    place, sines, cosines = np.arange(t)[:, None], np.arange(0, d, 2), np.arange(0, d - 1, 2) + further
    return np.hstack([np.sin(place / 10000 ** (sines / d)), np.cos(place / 10000 ** (cosines / d))])


def test_a_number_at_one_reading_is_named() -> None:
    on = [case_of(HALVES, t=t, d=d) for t, d in ((4, 6), (5, 8), (6, 5))]
    judge = Judge(REGISTRY[HALVES], "float32")
    wrong, right = ([Observation(case, (waves(case, further),)) for case in on] for further in (1.0, 0.0))

    found = mistake_at_one_reading(judge, wrong, POLICY)

    assert found is not None
    assert found.says == "in angle, as e reads it in cos(angle_{pos,j}): 1 / |d| is added to 2 i_j / d"
    assert mistake_at_one_reading(judge, right, POLICY) is None


def test_a_mistake_at_one_reading_is_named() -> None:
    """Of the new cell state only what is shown of it forgets the input gate."""
    definition, observations = REGISTRY[CELL].definition, []
    for seed, (d, u) in enumerate(((3, 4), (5, 6), (7, 5))):
        case = case_of(CELL, seed=seed, d=d, u=u)
        _, c = map(np.asarray, evaluate(definition, (), case.arguments))
        gate = {
            name: sum(case.arrays[one] @ case.arrays[f"W_{one}{name}"] for one in "xh") + case.arrays[f"b_{name}"]
            for name in "ifgo"
        }
        f, o = (1 / (1 + np.exp(-gate[name])) for name in "fo")
        shown = f * case.arrays["c"] + np.tanh(gate["g"])
        observations.append(Observation(case, (o * np.tanh(shown), c)))

    found = mistake_at_one_reading(Judge(REGISTRY[CELL], "float32"), observations, POLICY)

    assert found is not None
    assert found.says.startswith("in c_next, as h_next reads it in tanh(c_next): ")
