"""A GRU adds each product to a scratch buffer that is only overwritten where a bias is copied into it first.

Without a bias, rows of the batch from the third on add to old sums. https://github.com/microsoft/onnxruntime/issues/3893
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "recurrent.gru_cell_reset_after"
OPTIONS = {"framework": "numpy"}
SLOTS = 2


def sigmoid(a: Array) -> Array:
    return (1 / (1 + np.exp(-a.astype(np.float64)))).astype(a.dtype)


def cell(clears: bool, x: Array, h: Array, *weights: Array) -> Array:
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh = weights
    rows, states = np.atleast_2d(x), np.atleast_2d(h)
    out, scratch = np.empty_like(states), np.zeros((SLOTS, states.shape[1]), states.dtype)
    for place, (row, state) in enumerate(zip(rows, states, strict=True)):
        slot = scratch[place % SLOTS]
        if b_hh.any() or clears:
            slot[:] = b_hh
        slot += state @ W_hh
        r, z = sigmoid(row @ W_xr + state @ W_hr + b_r), sigmoid(row @ W_xz + state @ W_hz + b_z)
        out[place] = z * state + (1 - z) * np.tanh(row @ W_xh + b_h + r * slot)
    return out.reshape(h.shape)


def faulty(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> Array:  # fmt: skip
    return cell(False, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)


def mended(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> Array:  # fmt: skip
    return cell(True, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)
