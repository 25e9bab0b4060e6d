"""The largest scaled score is rounded, but in the second pass the product is fused with its subtraction, and is not.

https://github.com/flashinfer-ai/flashinfer/pull/5088
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "seq2seq.temperature"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def faulty(logits: Array, *, tau: float) -> Array:
    by = np.float32(1 / tau)
    largest = (logits * by).max(-1, keepdims=True)
    fused = (logits.astype(np.float64) * by - largest).astype(np.float32)
    p = np.exp(fused)
    total = np.exp(logits * by - largest).sum(-1, keepdims=True)
    return np.asarray(p / total)


def mended(logits: Array, *, tau: float) -> Array:
    scaled = logits / np.float32(tau)
    p = np.exp(scaled - scaled.max(-1, keepdims=True))
    return np.asarray(p / p.sum(-1, keepdims=True))
