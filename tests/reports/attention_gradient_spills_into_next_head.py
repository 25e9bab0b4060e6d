"""The last tile of 64 rows of the values' gradient is stored whole, over the first rows of the next head.

https://github.com/flagos-ai/FlagGems/pull/898
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "backward.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "numpy"}


TILE = 64


def spilled(d_v: Array) -> Array:
    """Heads are written from the last on, so that what is written too far stays."""
    flat = np.array(d_v).reshape(-1, d_v.shape[-1])
    m = d_v.shape[-2]
    for first in range(m, len(flat), m):
        flat[first : first + -m % TILE] = 0
    return flat.reshape(d_v.shape)


def gradient(d_o: Array, q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    scale = q.dtype.type(1 / np.sqrt(q.shape[-1]))
    e = q @ np.swapaxes(k, -1, -2) * scale
    p = np.exp(e - e.max(-1, keepdims=True))
    p = p / p.sum(-1, keepdims=True)
    d_p = d_o @ np.swapaxes(v, -1, -2)
    d_e = p * (d_p - (p * d_p).sum(-1, keepdims=True))
    return d_e @ k * scale, np.swapaxes(d_e, -1, -2) @ q * scale, np.swapaxes(p, -1, -2) @ d_o


def faulty(d_o: Array, q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    d_q, d_k, d_v = gradient(d_o, q, k, v)
    return d_q, d_k, spilled(d_v)


def mended(d_o: Array, q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    return gradient(d_o, q, k, v)
