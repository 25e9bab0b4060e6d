"""The mean is over all places, padding too.

https://github.com/HKUDS/LightRAG/pull/3675
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "pooled_with_padding.pooled"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="Reimers and Gurevych 2019, arXiv:1908.10084v1, sec. 3"), smallest={"t": 1})
def pooled(h: Float[Given, "t d"], mask: Bool[Given, " t"]) -> Float[Given, " d"]:
    """The mean of the states that are not padding, where mask is true. NaN where all is padding."""
    i = index("t")
    return sum(i, h[i], where=mask[i]) / sum(i, 1, where=mask[i])


def faulty(h: Array, mask: Array) -> Array:
    return np.asarray(h.mean(-2))


def mended(h: Array, mask: Array) -> Array:
    with np.errstate(invalid="ignore"):
        total = np.where(mask[..., None], h, 0).sum(-2)
        return np.asarray(total / mask.sum(-1, keepdims=True).astype(h.dtype))
