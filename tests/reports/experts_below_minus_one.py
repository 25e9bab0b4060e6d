"""The search for the largest score starts at -1, so that an expert whose score with its bias is below is never chosen.

https://github.com/vllm-project/vllm/pull/31478
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, Int, argmax, index, sigmoid
from attnspec.notation import Tensor as Given

EQUATION = "experts_below_minus_one.chosen"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="DeepSeek-AI 2024, arXiv:2412.19437v2, sec. 2.1.2"), scales={"bias": "scores"})
def chosen(scores: Float[Given, "n E"], bias: Float[Given, " E"]) -> Int[Given, " n"]:
    """The expert of each token: that with the largest sigmoid and bias; of equals the first."""
    i, k = index("n"), index("E")
    return argmax(k, sigmoid(scores[i, k]) + bias[k]).stack(i)


def choose(scores: Array, bias: Array, lowest: float) -> Array:
    biased = 1 / (1 + np.exp(-scores)) + bias[..., None, :]
    best = np.full(biased.shape[:-1], lowest, biased.dtype)
    place = np.zeros(biased.shape[:-1], np.int64)
    for k in range(biased.shape[-1]):
        better = biased[..., k] > best
        best, place = np.where(better, biased[..., k], best), np.where(better, k, place)
    return place


def faulty(scores: Array, bias: Array) -> Array:
    return choose(scores, bias, lowest=-1.0)


def mended(scores: Array, bias: Array) -> Array:
    return choose(scores, bias, lowest=-np.inf)
