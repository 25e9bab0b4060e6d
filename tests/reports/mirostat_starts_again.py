"""The bound on a word's surprise is that of the start at each step: what the last step made of it is thrown away.

https://github.com/SciSharp/LLamaSharp/issues/71
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, scan
from attnspec.notation import Tensor as Given

EQUATION = "mirostat_starts_again.ceilings"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Basu et al. 2021, arXiv:2007.14966v2, alg. 1; begun from twice the target"),
    options={"target": (3.0, 5.0), "rate": (0.1, 0.3)}, sizes={"t": "steps"},
)  # fmt: skip
def ceilings(surprise: Float[Given, " t"], *, target: float, rate: float) -> Float[Given, " t"]:
    """The bound on a word's surprise behind each step: it falls where the word surprised more than the target."""
    t = index("t")
    mu = scan(t, lambda mu: mu - rate * (surprise[t] - target), 2 * target)
    return mu.stack(t)


def bounds(surprise: Array, target: float, rate: float, kept: bool) -> Array:
    mu = np.full(surprise.shape[:-1], 2 * target, surprise.dtype)
    given = np.empty_like(surprise)
    for t in range(surprise.shape[-1]):
        given[..., t] = mu - rate * (surprise[..., t] - target)
        if kept:
            mu = given[..., t]
    return given


def faulty(surprise: Array, *, target: float, rate: float) -> Array:
    return bounds(surprise, target, rate, kept=False)


def mended(surprise: Array, *, target: float, rate: float) -> Array:
    return bounds(surprise, target, rate, kept=True)
