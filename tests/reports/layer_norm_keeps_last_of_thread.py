"""A thread that reads several elements of a row keeps the last one, and squares and stores that for all of them.

https://github.com/facebookresearch/pytext/pull/1676
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "numpy"}


THREADS = 256


def norm(x: Array, kept: Array, gamma: Array, beta: Array, eps: float) -> Array:
    centred = kept - x.mean(-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + x.dtype.type(eps)) * gamma + beta)


def faulty(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    k = np.arange(x.shape[-1])
    last = k + (x.shape[-1] - 1 - k) // THREADS * THREADS
    return norm(x, x[..., last], gamma, beta, eps)


def mended(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    return norm(x, x, gamma, beta, eps)
