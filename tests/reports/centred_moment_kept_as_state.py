"""The square of the mean is taken off the second moment where it is kept, and stays off.

https://github.com/UselessToys/Ecosystem_WebUI/pull/383
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "centred_moment_kept_as_state.moments"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(
    Source(paper="Graves 2013, arXiv:1308.0850v5, eq. 38 to 41"), options={"beta": (0.95, 0.5, 0.99)},
    scales={"s": "positive"},
)  # fmt: skip
def moments(
    s: Float[Given, " d"], m: Float[Given, " d"], g: Float[Given, " d"], *, beta: float
) -> tuple[Float[Given, " d"], Float[Given, " d"], Float[Given, " d"]]:
    """The mean of squares and the mean of gradients after a step, and the variance of gradients."""
    s_next = beta * s + (1 - beta) * g * g
    m_next = beta * m + (1 - beta) * g
    return s_next, m_next, s_next - m_next * m_next


def update(s: Array, m: Array, g: Array, beta: float) -> tuple[Array, Array]:
    return np.asarray(beta * s + (1 - beta) * g * g), np.asarray(beta * m + (1 - beta) * g)


def faulty(s: Array, m: Array, g: Array, *, beta: float) -> tuple[Array, Array, Array]:
    s, m = update(s, m, g, beta)
    variance = s
    variance -= m * m
    return s, m, variance.copy()


def mended(s: Array, m: Array, g: Array, *, beta: float) -> tuple[Array, Array, Array]:
    s, m = update(s, m, g, beta)
    return s, m, s - m * m
