"""If the longest sequence of a batch has no rows, the layer returns before anything is written.

https://github.com/microsoft/onnxruntime/pull/749
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "recurrent.gru_lengths"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def sigmoid(a: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * a))


def layer(x: Array, length: Array, h: Array, weights: tuple[Array, ...], returns_early: bool) -> tuple[Array, Array]:
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h = weights
    y = np.full((*x.shape[:-1], h.shape[-1]), np.nan, x.dtype)  # an allocator that makes visible what is not written
    h = np.array(h)
    counts = np.asarray(length)
    if returns_early and not np.any(counts > 0):
        return y, h
    for t in range(x.shape[-2]):
        row = x[..., t, :]
        r, z = sigmoid(row @ W_xr + h @ W_hr + b_r), sigmoid(row @ W_xz + h @ W_hz + b_z)
        there = (t < counts)[..., None]
        h = np.where(there, z * h + (1 - z) * np.tanh(row @ W_xh + (r * h) @ W_hh + b_h), h)
        y[..., t, :] = np.where(there, h, 0)
    return y, h


def faulty(
    x: Array, length: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array, W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:  # fmt: skip
    return layer(x, length, h_0, (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), returns_early=True)


def mended(
    x: Array, length: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array, W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:  # fmt: skip
    return layer(x, length, h_0, (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), returns_early=False)
