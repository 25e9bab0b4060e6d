"""The score of a word that was said is divided by the penalty also where it is negative, which makes it likelier.

https://github.com/huggingface/transformers/issues/2302
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "repetition_rewarded.penalised"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Keskar et al. 2019, arXiv:1909.05858v2, sec. 4.1; transformers, RepetitionPenaltyLogitsProcessor"),
    options={"penalty": (1.3, 2.0)}, scales={"said": "token"},
)  # fmt: skip
def penalised(logits: Float[Given, " v"], said: Int[Given, " t"], *, penalty: float) -> Float[Given, " v"]:
    """Scores of words that were said become less likely: those above 0 are divided, those below are multiplied."""
    i, k = index("t"), index("v")
    count = sum(i, 1, where=said[i] == k)
    y = where(count > 0, where(logits[k] > 0, logits[k] / penalty, logits[k] * penalty), logits[k])
    return y.stack(k)


def scores(logits: Array, said: Array, low: float, high: float) -> Array:
    seen = (said[..., None] == np.arange(logits.shape[-1])).any(-2)
    factor = np.where(logits > 0, high, low).astype(logits.dtype)
    return np.asarray(np.where(seen, logits * factor, logits))


def faulty(logits: Array, said: Array, *, penalty: float) -> Array:
    return scores(logits, said, 1 / penalty, 1 / penalty)


def mended(logits: Array, said: Array, *, penalty: float) -> Array:
    return scores(logits, said, penalty, 1 / penalty)
