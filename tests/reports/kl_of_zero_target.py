"""The logarithm of a target of 0 is taken: 0 times −∞.

https://github.com/Lightning-AI/torchmetrics/issues/1029
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, log, log_softmax, sum, where
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "kl_of_zero_target.divergence"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(Source(paper="Kullback and Leibler 1951, eq. 2.4"), scales={"p": "weights"}, smallest={"v": 1})
def divergence(p: Float[Given, " v"], logits: Float[Given, " v"]) -> Float[Given, ""]:
    """How far a distribution of logits is from p; what p has not counts nothing."""
    k = index("v")
    log_q = log_softmax(k, logits[k]).stack(k)
    return sum(k, where(p[k] > 0, p[k] * (log(where(p[k] > 0, p[k], 1)) - log_q[k]), 0))


def log_softmax_of(logits: Array) -> Array:
    e = logits - logits.max(-1, keepdims=True)
    return np.asarray(e - np.log(np.exp(e).sum(-1, keepdims=True)))


def faulty(p: Array, logits: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((p * (np.log(p) - log_softmax_of(logits))).sum(-1))


def mended(p: Array, logits: Array) -> Array:
    log_p = np.log(np.where(p > 0, p, p.dtype.type(1)))
    return np.asarray(np.where(p > 0, p * (log_p - log_softmax_of(logits)), p.dtype.type(0)).sum(-1))
