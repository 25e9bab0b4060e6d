"""What was covered so far has the weights of the own step in it.

https://github.com/OpenNMT/OpenNMT-py/issues/2013
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "coverage_with_own_step.coverage_loss"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(Source(paper="See et al. 2017, arXiv:1704.04368v2, eq. 10 and 12"), scales={"alpha": "weights"})
def coverage_loss(alpha: Float[Given, "n m"]) -> Float[Given, " n"]:
    """How much each step looks at what steps before it have looked at."""
    i, l, j = index("n"), index("n"), index("m")
    covered = sum(l, alpha[l, j], where=l < i)
    both = where(alpha[i, j] < covered, alpha[i, j], covered)
    return sum(j, both).stack(i)


def faulty(alpha: Array) -> Array:
    covered = np.cumsum(alpha, -2)
    return np.asarray(np.minimum(alpha, covered).sum(-1))


def mended(alpha: Array) -> Array:
    before = np.concatenate([np.zeros_like(alpha[..., :1, :]), alpha[..., :-1, :]], -2)[..., : alpha.shape[-2], :]
    return np.asarray(np.minimum(alpha, np.cumsum(before, -2)).sum(-1))
