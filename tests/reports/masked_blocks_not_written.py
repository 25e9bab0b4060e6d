"""Blocks of keys that a mask hides are skipped, and the scores of the call before stand there.

https://github.com/openvinotoolkit/openvino/pull/33814
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "attention.masked"
OPTIONS: dict[str, object] = {"framework": "numpy"}


BLOCK = 16
BUFFERS: dict[object, Array] = {}


def attend(q: Array, k: Array, v: Array, mask: Array, clears: bool) -> Array:
    shape = (*q.shape[:-1], k.shape[-2])
    e = BUFFERS.setdefault((shape, q.dtype), np.zeros(shape, q.dtype))
    for first in range(0, k.shape[-2], BLOCK):
        at = slice(first, first + BLOCK)
        if mask[..., at].any():
            scores = q @ np.swapaxes(k[..., at, :], -1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype)
            e[..., at] = np.where(mask[..., at], scores, -np.inf)
        elif clears:
            e[..., at] = -np.inf
    top = e.max(-1, keepdims=True)
    p = np.exp(e - np.where(top == -np.inf, 0, top))
    total = p.sum(-1, keepdims=True)
    seen = np.asarray(mask.any(-2))[..., None]
    return np.asarray((p / np.where(total > 0, total, 1)) @ np.where(seen, v, 0))


def faulty(q: Array, k: Array, v: Array, mask: Array) -> Array:
    return attend(q, k, v, mask, clears=False)


def mended(q: Array, k: Array, v: Array, mask: Array) -> Array:
    return attend(q, k, v, mask, clears=True)
