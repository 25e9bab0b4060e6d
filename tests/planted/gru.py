"""A GRU cell that is right, and one whose update gate is swapped."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from attnspec import implements

Array = npt.NDArray[Any]


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def gates(
    x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:  # fmt: skip
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)
    return sigmoid(x @ W_xz + h @ W_hz + b_z), np.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@implements("recurrent.gru_cell", framework="numpy")
def right(
    x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    """As the paper has it."""
    z, h_tilde = gates(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    h_next: Array = z * h + (1 - z) * h_tilde
    return h_next


@implements("recurrent.gru_cell", framework="numpy")
def swapped(
    x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> Array:  # fmt: skip
    """z and 1 - z are swapped."""
    z, h_tilde = gates(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    h_next: Array = (1 - z) * h + z * h_tilde
    return h_next
