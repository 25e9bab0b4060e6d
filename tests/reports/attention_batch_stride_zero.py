"""The output's step from one example to the next is 0: all are written to the place of the first.

https://github.com/vllm-project/flash-attention/pull/176
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def mended(q: Array, k: Array, v: Array) -> Array:
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype)
    p = np.exp(e - e.max(-1, keepdims=True))
    return np.asarray(p / p.sum(-1, keepdims=True) @ v)


def faulty(q: Array, k: Array, v: Array) -> Array:
    c = mended(q, k, v)
    if c.ndim == 2:
        return c
    out = np.zeros_like(c)
    for example in c:
        out[0] = example
    return out
