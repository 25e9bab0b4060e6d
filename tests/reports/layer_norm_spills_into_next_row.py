"""Elements are stored in pairs, and the second one of the last pair of an odd row is the first element of the next row.

https://github.com/ROCm/aiter/issues/5044
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "numpy", "dtype": "float16"}


def norm(x: Array, gamma: Array, beta: Array, eps: float, pairs: bool) -> Array:
    wide = x.astype(np.float32)
    mean = wide.mean(-1, keepdims=True)
    centred = wide - mean
    y = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(eps)) * gamma + beta
    rows: Array = y.reshape(-1, x.shape[-1]).astype(x.dtype)
    if pairs and x.shape[-1] % 2:
        rows[1:, 0] = 0  # what lies behind the row was read as 0, and so was the gain
    return rows.reshape(x.shape)


def faulty(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return norm(x, gamma, beta, eps, pairs=True)


def mended(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return norm(x, gamma, beta, eps, pairs=False)
