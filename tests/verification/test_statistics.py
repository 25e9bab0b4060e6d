"""What is measured along directions says no more than the elements that it is measured on can."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec.interpreters.rounding.noise import Noise
from attnspec.thresholds import SAMPLES
from attnspec.verification.cases.case import Case
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.judge.statistics import project


@pytest.mark.parametrize("exact", [0, SAMPLES // 2, SAMPLES - 1])
@pytest.mark.parametrize("seed", range(20))
def test_one_element_lies_along_every_direction(seed: int, exact: int) -> None:
    """Its error is all of the error, whatever it is: no cause is told by that, also where some runs had no error."""
    draw = np.random.Generator(np.random.Philox(seed))
    sigma, error = draw.uniform(0.1, 1), draw.standard_normal()
    members = sigma * draw.standard_normal((SAMPLES, 1))
    members[:exact] = 0
    value = draw.standard_normal(1)
    noise = Noise(value, np.full(1, sigma), np.full(1, 8 * sigma), np.zeros(1, dtype=bool), members)

    seen = project([Compared(Case({}, {}), 0, value + sigma * error, noise)], lambda each: each.noise.value)

    assert seen is not None
    assert seen.share == pytest.approx(1)
    assert not seen.foremost


def test_elements_that_hardly_count_lend_no_weight() -> None:
    """Saturated ones, where the direction is next to nothing and rounding too, though the model allows for more."""
    draw = np.random.Generator(np.random.Philox(1))
    along, sigma = np.array([1.0, 1e-6, 1e-6]), np.ones(3)
    members = draw.standard_normal((SAMPLES, 3))
    noise = Noise(along, sigma, 8 * sigma, np.zeros(3, dtype=bool), members)

    seen = project([Compared(Case({}, {}), 0, along * [2.3, 1.1, 0.9], noise)], lambda each: each.noise.value)

    assert seen is not None
    assert seen.breadth == pytest.approx(1)
    assert not seen.foremost


def test_a_direction_over_many_elements_is_seen() -> None:
    """Where it is nearly all of an error that the noise would hide."""
    draw = np.random.Generator(np.random.Philox(2))
    along, sigma = draw.standard_normal(40), np.ones(40)
    members = draw.standard_normal((SAMPLES, 40))
    noise = Noise(along, sigma, 8 * sigma, np.zeros(40, dtype=bool), members)
    error = 0.5 * along + 0.01 * draw.standard_normal(40)

    seen = project([Compared(Case({}, {}), 0, along + error, noise)], lambda each: each.noise.value)

    assert seen is not None
    assert seen.foremost
