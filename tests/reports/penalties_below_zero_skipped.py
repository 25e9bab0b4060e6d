"""Penalties that are not above 0 are taken for none, so that words are never made likelier.

https://github.com/vllm-project/vllm/pull/913
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "penalties_below_zero_skipped.penalised"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="OpenAI API reference, frequency_penalty and presence_penalty"), scales={"said": "token"},
    options={"frequency": (0.5, -0.7, 0.2, -0.1), "presence": (0.4, -0.3, -0.6)},
)  # fmt: skip
def penalised(
    logits: Float[Given, " v"], said: Int[Given, " t"], *, frequency: float, presence: float
) -> Float[Given, " v"]:
    """Scores of words that were said go down, by so much for each time and so much for the first."""
    i, k = index("t"), index("v")
    count = sum(i, 1, where=said[i] == k)
    y = logits[k] - frequency * count - presence * where(count > 0, 1, 0)
    return y.stack(k)


def lowered(logits: Array, said: Array, frequency: float, presence: float) -> Array:
    times = (said[..., None] == np.arange(logits.shape[-1])).sum(-2).astype(logits.dtype)
    return np.asarray(logits - frequency * times - presence * np.minimum(times, 1))


def faulty(logits: Array, said: Array, *, frequency: float, presence: float) -> Array:
    if frequency < 1e-5 and presence < 1e-5:
        return logits.copy()
    return lowered(logits, said, frequency, presence)


def mended(logits: Array, said: Array, *, frequency: float, presence: float) -> Array:
    if abs(frequency) < 1e-5 and abs(presence) < 1e-5:
        return logits.copy()
    return lowered(logits, said, frequency, presence)
