"""An index outside the vocabulary is taken modulo its size, so that it hits a word.

https://github.com/onnx/onnx/pull/8113
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "text.one_hot"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def faulty(k: Array, *, v: int) -> Array:
    return np.asarray(np.mod(k, v)[..., None] == np.arange(v), np.float32)


def mended(k: Array, *, v: int) -> Array:
    return np.asarray(k[..., None] == np.arange(v), np.float32)
