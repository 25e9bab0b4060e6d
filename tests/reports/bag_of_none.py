"""The mean of a bag without words is a sum of nothing over 0.

https://github.com/pytorch/pytorch/issues/4169
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "bag_of_none.bag"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="PyTorch, EmbeddingBag with mode mean"), scales={"token": "token"})
def bag(P: Float[Given, "v d"], token: Int[Given, " t"], length: Int[Given, ""]) -> Float[Given, " d"]:
    """The mean of the vectors of the first `length` words, and 0 where there are none."""
    i = index("t")
    total = sum(i, P[token[i]], where=i < length)
    return where(length > 0, total / length, 0)


def mean(P: Array, token: Array, length: Array, at_least: int) -> Array:
    inside = (np.arange(token.shape[-1]) < length[..., None]).astype(P.dtype)
    total = (inside[..., None, :] @ P[token])[..., 0, :]
    with np.errstate(invalid="ignore"):
        return np.asarray(total / np.maximum(length, at_least)[..., None].astype(P.dtype))


def faulty(P: Array, token: Array, length: Array) -> Array:
    return mean(P, token, length, 0)


def mended(P: Array, token: Array, length: Array) -> Array:
    return mean(P, token, length, 1)
