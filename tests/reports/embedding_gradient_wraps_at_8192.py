"""Rows are gathered through a buffer of 8,192, and those beyond it are read from its start again.

https://github.com/numpy/numpy/issues/23457
"""

from __future__ import annotations

from typing import Any

import numpy as np

EQUATION = "backward.embedding"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]

BUFFER = 8192


def gathered(d_x: Array, k: Array, P: Array) -> Array:
    rows = (k[..., None, :] == np.arange(len(P))[:, None]).astype(d_x.dtype)
    return np.asarray(rows @ d_x)


def faulty(d_x: Array, k: Array, P: Array) -> Array:
    return gathered(d_x[..., np.arange(d_x.shape[-2]) % BUFFER, :], k, P)


def mended(d_x: Array, k: Array, P: Array) -> Array:
    return gathered(d_x, k, P)
