"""Scores are divided by the temperature, and the products that targets are made of are multiplied by it.

https://github.com/bowang-lab/BLEEP/issues/5
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, indices, log_softmax, softmax, sum
from attnspec.notation import Tensor as Given

EQUATION = "targets_times_temperature.losses"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Xie et al. 2023, arXiv:2306.01859v2, eq. 2 and 3, with a temperature"), options={"tau": (0.5, 2.0)},
    smallest={"m": 1},
)  # fmt: skip
def losses(a: Float[Given, "m d"], b: Float[Given, "m d"], *, tau: float) -> Float[Given, " m"]:
    """The cross-entropy of each row of products, whose targets are the likenesses within both sides."""
    i, j = indices("m", "m")
    alike = (a[i] @ a[j] + b[i] @ b[j]) / 2
    target = softmax(j, alike / tau)
    log_p = log_softmax(j, a[i] @ b[j] / tau)
    return (0 - sum(j, target * log_p)).stack(i)


def log_softmax_of(e: Array) -> Array:
    e = e - e.max(-1, keepdims=True)
    return np.asarray(e - np.log(np.exp(e).sum(-1, keepdims=True)))


def cost(a: Array, b: Array, logits: Array, alike: Array) -> Array:
    target = np.exp(log_softmax_of(alike))
    return np.asarray(-(target * log_softmax_of(logits)).sum(-1))


def products(a: Array, b: Array) -> Array:
    return np.asarray(a @ np.swapaxes(b, -1, -2))


def faulty(a: Array, b: Array, *, tau: float) -> Array:
    return cost(a, b, products(a, b) / tau, (products(a, a) + products(b, b)) / 2 * tau)


def mended(a: Array, b: Array, *, tau: float) -> Array:
    return cost(a, b, products(a, b) / tau, (products(a, a) + products(b, b)) / 2 / tau)
