"""The distance of query and key is counted as if there were no keys of memory in front of the first query.

https://github.com/lucidrains/x-transformers/pull/103
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum, where
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "relative_bias_without_memory.relative"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(
    Source(paper="Raffel et al. 2020, arXiv:1910.10683v4, sec. 2.1; Dai et al. 2019, arXiv:1901.02860v3"),
    smallest={"m": 1, "w": 1},
)
def relative(
    q: Float[Given, "n d"], k: Float[Given, "m d"], v: Float[Given, "m e"], B: Float[Given, " w"]
) -> Float[Given, "n e"]:
    """Attention with a bias for how far a key stands behind the query; the last query stands at the last key."""
    i, j = index("n"), index("m")
    n, m, d, w = size("n"), size("m"), size("d"), size("w")
    behind = i + (m - n) - j
    near = where(behind < 0, 0, where(behind < w, behind, w - 1))
    p = softmax(j, q[i] @ k[j] / sqrt(d) + B[near])
    c = sum(j, p * v[j])
    return c.stack(i)


def attend(q: Array, k: Array, v: Array, B: Array, memory: int) -> Array:
    behind = np.arange(q.shape[-2])[:, None] + memory - np.arange(k.shape[-2])
    e = q @ np.swapaxes(k, -1, -2) / q.dtype.type(q.shape[-1] ** 0.5) + B[..., np.clip(behind, 0, B.shape[-1] - 1)]
    p = np.exp(e - e.max(-1, keepdims=True))
    return np.asarray(p / p.sum(-1, keepdims=True) @ v)


def faulty(q: Array, k: Array, v: Array, B: Array) -> Array:
    return attend(q, k, v, B, 0)


def mended(q: Array, k: Array, v: Array, B: Array) -> Array:
    return attend(q, k, v, B, k.shape[-2] - q.shape[-2])
