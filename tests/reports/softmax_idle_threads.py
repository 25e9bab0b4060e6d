"""A thread that reads nothing of a row narrower than one pass of the block takes exp(-inf + inf) for its part.

https://github.com/gabrieldemarmiesse/torch-mojo-backend/pull/319
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "numpy"}


THREADS, VECTOR = 256, 4


def softmax(e: Array, guards: bool) -> Array:
    width, lane = e.shape[-1], THREADS * VECTOR
    filled = np.pad(e, [(0, 0)] * (e.ndim - 1) + [(0, -width % lane)], constant_values=-np.inf)
    parts = filled.reshape(*e.shape[:-1], filled.shape[-1] // lane, THREADS, VECTOR)
    own = parts.max((-3, -1), keepdims=True)  # of each thread
    top = own.max(-2, keepdims=True)
    with np.errstate(invalid="ignore"):
        terms = np.exp(parts - np.where(own == -np.inf, 0, own) if guards else parts - own)
        total = (terms.sum((-3, -1), keepdims=True) * np.exp(own - top)).sum(-2, keepdims=True)
        y = np.exp(parts - top) / total
    return np.asarray(y.reshape(filled.shape)[..., :width], e.dtype)


def faulty(e: Array) -> Array:
    return softmax(e, guards=False)


def mended(e: Array) -> Array:
    return softmax(e, guards=True)
