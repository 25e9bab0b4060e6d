"""Words that are drawn come as often as their probability says."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from attnspec.equations import seq2seq
from attnspec_numpy import seq2seq as by_numpy

DRAWS = 100_000
RARE = math.log(1e9)
"""The statistic exceeds its limit by chance less than once in 10⁹ (Laurent and Massart 2000, lemma 1)."""


Sample = Callable[[Any, Any], Any]
SPEC = cast(Sample, seq2seq.sample)


@pytest.mark.parametrize("sample", [SPEC, by_numpy.sample], ids=["the equation", "numpy"])
@pytest.mark.parametrize("seed", range(3))
def test_frequencies_match_the_distribution(sample: Sample, seed: int) -> None:
    """χ² of 100,000 draws against p stays below a limit that chance exceeds once in 10⁹."""
    generator = np.random.default_rng(seed)
    p = generator.dirichlet(np.ones(12))

    drawn = np.asarray(sample(p, generator.random(DRAWS)))
    seen = np.bincount(drawn, minlength=len(p))
    statistic = float(((seen - DRAWS * p) ** 2 / (DRAWS * p)).sum())

    freedom = len(p) - 1
    assert statistic < freedom + 2 * math.sqrt(freedom * RARE) + 2 * RARE


def test_another_distribution_is_told_apart() -> None:
    """The same statistic is beyond the limit when one word in fifty is taken for its neighbour."""
    generator = np.random.default_rng(0)
    p = generator.dirichlet(np.ones(12))
    drawn = np.asarray(SPEC(p, generator.random(DRAWS)))
    wrong = np.where(generator.random(DRAWS) < 0.02, (drawn + 1) % len(p), drawn)
    seen = np.bincount(wrong, minlength=len(p))

    statistic = float(((seen - DRAWS * p) ** 2 / (DRAWS * p)).sum())

    assert statistic > len(p) - 1 + 2 * math.sqrt((len(p) - 1) * RARE) + 2 * RARE
