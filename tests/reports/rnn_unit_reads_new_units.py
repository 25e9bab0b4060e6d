"""Products and gates are in one loop over the units, and each unit reads the new state of the units before it.

https://github.com/onnx/onnx-mlir/pull/367
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "recurrent.simple_rnn_cell"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def cell(x: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array, in_place: bool) -> Array:
    new = h.copy()
    read = new if in_place else h
    from_input = x @ W_xh + b_h
    for unit in range(h.shape[-1]):
        new[..., unit] = np.tanh(from_input[..., unit] + read @ W_hh[:, unit])
    return new


def faulty(x: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    return cell(x, h, W_xh, W_hh, b_h, in_place=True)


def mended(x: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    return cell(x, h, W_xh, W_hh, b_h, in_place=False)
