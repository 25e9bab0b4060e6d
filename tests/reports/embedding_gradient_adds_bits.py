"""Where no sum of floating-point numbers is atomic, their bits are added as whole numbers.

https://github.com/mni-ml/framework/pull/29
"""

from __future__ import annotations

from typing import Any

import numpy as np

EQUATION = "backward.embedding"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]

BITS = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def one(d_x: Array, k: Array, rows: int, bits: bool) -> Array:
    known = k >= 0
    if not bits:
        out = np.zeros((rows, d_x.shape[-1]), np.float64)
        np.add.at(out, k[known], d_x[known].astype(np.float64))
        return out.astype(d_x.dtype)
    whole = BITS[d_x.dtype.itemsize]
    counts = np.zeros((rows, d_x.shape[-1]), whole)
    np.add.at(counts, k[known], np.ascontiguousarray(d_x[known]).view(whole))
    return counts.view(d_x.dtype)


def gathered(d_x: Array, k: Array, P: Array, bits: bool) -> Array:
    out = np.zeros((*k.shape[:-1], *P.shape), d_x.dtype)
    for place in np.ndindex(k.shape[:-1]):
        out[place] = one(d_x[place], k[place], len(P), bits)
    return out


def faulty(d_x: Array, k: Array, P: Array) -> Array:
    return gathered(d_x, k, P, bits=True)


def mended(d_x: Array, k: Array, P: Array) -> Array:
    return gathered(d_x, k, P, bits=False)
