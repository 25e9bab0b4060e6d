"""Of a block narrower than a warp the lanes that are not there give 0 to the maximum of a row.

https://github.com/m0at/rvllm/pull/1
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "numpy"}


WARP = 32


def softmax(e: Array, reads_idle: bool) -> Array:
    top = e.max(-1, keepdims=True)
    if reads_idle and e.shape[-1] < WARP:
        top = np.maximum(top, 0)
    p = np.exp(e - top)
    with np.errstate(invalid="ignore"):
        return np.asarray(p / p.sum(-1, keepdims=True))


def faulty(e: Array) -> Array:
    return softmax(e, reads_idle=True)


def mended(e: Array) -> Array:
    return softmax(e, reads_idle=False)
