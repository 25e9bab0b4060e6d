"""Words are kept by their probability alone, so that all that are as likely as the last one of k are kept.

https://github.com/flashinfer-ai/flashinfer/pull/3774
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "ties_at_largest.largest"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Fan, Lewis and Dauphin 2018, arXiv:1805.04833v1, sec. 5.4"),
    options={"count": (2, 1, 5)}, scales={"p": "weights"}, largest={"v": 300},
)  # fmt: skip
def largest(p: Float[Given, " v"], *, count: int) -> Float[Given, " v"]:
    """The `count` likeliest words, made to sum to 1, and 0 for all others; of equals the first."""
    j, k = index("v"), index("v")
    rank = sum(j, 1, where=(p[j] > p[k]) | ((p[j] == p[k]) & (j < k)))
    kept = where(rank < count, p[k], 0)
    q = kept / sum(k, kept)
    return q.stack(k)


def filtered(p: Array, keep: Array) -> Array:
    kept = np.where(keep, p, 0)
    return np.asarray(kept / kept.sum(-1, keepdims=True))


def faulty(p: Array, *, count: int) -> Array:
    lowest = np.sort(p, -1)[..., -min(count, p.shape[-1])][..., None]
    return filtered(p, p >= lowest)


def mended(p: Array, *, count: int) -> Array:
    order = np.argsort(-p, -1, kind="stable")
    rank = np.argsort(order, -1, kind="stable")
    return filtered(p, rank < count)
