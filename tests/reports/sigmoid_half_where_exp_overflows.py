"""The smaller and the larger of two forms are exchanged: where exp overflows, a gate is one half.

https://github.com/clab/dynet/issues/1525
"""

from __future__ import annotations

from typing import Any

import numpy as np

EQUATION = "recurrent.gru_cell"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


def sigmoid(x: Array, exchanged: bool) -> Array:
    """The form for x above 0 from one half on, and the form for x below 0 up to one half."""
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    with np.errstate(over="ignore", invalid="ignore"):
        above, below = one / (one + np.exp(-x)), np.exp(x) / (one + np.exp(x))
    if exchanged:
        return np.asarray(np.fmin(half, above) + np.fmax(half, below) - half)
    return np.asarray(np.fmax(half, above) + np.fmin(half, below) - half)


def cell(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, exchanged: bool,
) -> Array:  # fmt: skip
    r = sigmoid(x @ W_xr + h @ W_hr + b_r, exchanged)
    z = sigmoid(x @ W_xz + h @ W_hz + b_z, exchanged)
    return np.asarray(z * h + (1 - z) * np.tanh(x @ W_xh + (r * h) @ W_hh + b_h))


def faulty(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    return cell(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, exchanged=True)


def mended(
    x: Array, h: Array, W_xr: Array, W_hr: Array, b_r: Array, W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    return cell(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, exchanged=False)
