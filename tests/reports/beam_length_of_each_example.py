"""The length that a score is divided by is counted up for each example of the batch, not once a step.

https://github.com/huggingface/transformers/pull/23127
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sum
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "beam_length_of_each_example.score"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(
    Source(paper="Wu et al. 2016, arXiv:1609.08144v2, sec. 7; transformers, length_penalty"),
    options={"power": (1.0, 0.6, 2.0)}, smallest={"m": 1},
)  # fmt: skip
def score(log_p: Float[Given, " m"], *, power: float) -> Float[Given, ""]:
    """The log-probability of the tokens of a hypothesis, the new one among them, over a power of their number."""
    j = index("m")
    m = size("m")
    return sum(j, log_p[j] / m**power)


def divided(log_p: Array, power: float, counts_examples: bool) -> Array:
    length = log_p.shape[-1] - 1
    y = np.empty(log_p.shape[:-1], log_p.dtype)
    for place in np.ndindex(y.shape):
        if counts_examples or not any(place):
            length += 1
        y[place] = log_p[place].sum() / log_p.dtype.type(float(length) ** power)
    return y


def faulty(log_p: Array, *, power: float) -> Array:
    return divided(log_p, power, counts_examples=True)


def mended(log_p: Array, *, power: float) -> Array:
    return divided(log_p, power, counts_examples=False)
