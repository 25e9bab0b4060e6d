"""The kernel for more than 3072 words forgets that the row of padding gets no gradient.

https://github.com/pytorch/pytorch/pull/27731
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "backward.embedding_padding_idx"
OPTIONS: dict[str, object] = {"framework": "numpy"}


FEW = 3072


def gradient(d_x: Array, k: Array, P: Array, padding_idx: int, forgets: bool) -> Array:
    out = np.zeros((*d_x.shape[:-2], *P.shape), d_x.dtype)
    for example in np.ndindex(*d_x.shape[:-2]):
        known = k[example] >= 0
        np.add.at(out[example], k[example][known], d_x[example][known])
    if not (forgets and k.shape[-1] > FEW):
        out[..., padding_idx, :] = 0
    return out


def faulty(d_x: Array, k: Array, P: Array, *, padding_idx: int) -> Array:
    return gradient(d_x, k, P, padding_idx, forgets=True)


def mended(d_x: Array, k: Array, P: Array, *, padding_idx: int) -> Array:
    return gradient(d_x, k, P, padding_idx, forgets=False)
