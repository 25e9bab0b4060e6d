"""The log-probabilities of what was generated are divided by the length of all, the prompt too.

https://github.com/huggingface/transformers/issues/26624
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Place, Source, equation
from attnspec.notation import Float, index, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "beam_score_over_prompt.score"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Wu et al. 2016, arXiv:1609.08144v2, sec. 7; transformers, length_penalty"),
    options={"prompt": Place("m"), "power": (1.0, 0.6)}, smallest={"m": 1},
)  # fmt: skip
def score(log_p: Float[Given, " m"], *, prompt: int, power: float) -> Float[Given, ""]:
    """The log-probability of what follows a prompt, over a power of its length."""
    j = index("m")
    m = size("m")
    return sum(j, log_p[j] / (m - prompt) ** power, where=j >= prompt)


def faulty(log_p: Array, *, prompt: int, power: float) -> Array:
    return np.asarray(log_p[..., prompt:].sum(-1) / log_p.dtype.type(log_p.shape[-1] ** power))


def mended(log_p: Array, *, prompt: int, power: float) -> Array:
    return np.asarray(log_p[..., prompt:].sum(-1) / log_p.dtype.type((log_p.shape[-1] - prompt) ** power))
