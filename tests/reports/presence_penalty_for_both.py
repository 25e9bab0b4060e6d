"""The penalty for words that were said at all is given for each time too.

https://github.com/mlc-ai/mlc-llm/pull/1693
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "presence_penalty_for_both.penalised"
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
    return lowered(logits, said, presence, presence)


def mended(logits: Array, said: Array, *, frequency: float, presence: float) -> Array:
    return lowered(logits, said, frequency, presence)
