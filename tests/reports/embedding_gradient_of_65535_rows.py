"""A block for each row of the table, of which a grid holds 65535: the gradient of a larger table is an error.

https://github.com/ggml-org/llama.cpp/pull/25103
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "backward.embedding"
OPTIONS: dict[str, object] = {"framework": "numpy"}


BLOCKS = 65_535


def gradient(d_x: Array, k: Array, P: Array, strides: bool) -> Array:
    if len(P) > BLOCKS and not strides:
        raise ValueError("invalid argument")
    out = np.zeros((*d_x.shape[:-2], *P.shape), d_x.dtype)
    for example in np.ndindex(*d_x.shape[:-2]):
        known = k[example] >= 0
        np.add.at(out[example], k[example][known], d_x[example][known])
    return out


def faulty(d_x: Array, k: Array, P: Array) -> Array:
    return gradient(d_x, k, P, strides=False)


def mended(d_x: Array, k: Array, P: Array) -> Array:
    return gradient(d_x, k, P, strides=True)
