"""A short text is filled in front, but a long one loses its end.

https://github.com/keras-team/keras/issues/287
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "text.align"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def faulty(k: Array, *, w: int, null: int) -> Array:
    kept = k[..., :w]
    aligned = np.full((*k.shape[:-1], w), null, k.dtype)
    aligned[..., w - kept.shape[-1] :] = kept
    return aligned


def mended(k: Array, *, w: int, null: int) -> Array:
    kept = k[..., max(k.shape[-1] - w, 0) :]
    aligned = np.full((*k.shape[:-1], w), null, k.dtype)
    aligned[..., w - kept.shape[-1] :] = kept
    return aligned
