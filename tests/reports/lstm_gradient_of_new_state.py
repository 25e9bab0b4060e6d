"""The gradients of the recurrent matrices are made of the new hidden state, where the old one belongs.

https://github.com/wvabrinskas/Neuron/pull/181
"""

from __future__ import annotations

from typing import Any

import numpy as np

EQUATION = "backward.lstm_cell"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


def sigmoid(x: Array) -> Array:
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5)


def gradients(
    d_h_next: Array, d_c_next: Array, x: Array, h: Array, c: Array, W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array, W_xg: Array, W_hg: Array, b_g: Array, W_xo: Array, W_ho: Array, b_o: Array,
    new: bool,
) -> tuple[Array, ...]:  # fmt: skip
    i, f = sigmoid(x @ W_xi + h @ W_hi + b_i), sigmoid(x @ W_xf + h @ W_hf + b_f)
    g, o = np.tanh(x @ W_xg + h @ W_hg + b_g), sigmoid(x @ W_xo + h @ W_ho + b_o)
    y = np.tanh(f * c + i * g)
    d_c = d_c_next + d_h_next * o * (1 - y * y)
    d_i, d_f = d_c * g * i * (1 - i), d_c * c * f * (1 - f)
    d_g, d_o = d_c * i * (1 - g * g), d_h_next * y * o * (1 - o)
    d_x = d_i @ W_xi.T + d_f @ W_xf.T + d_g @ W_xg.T + d_o @ W_xo.T
    d_h = d_i @ W_hi.T + d_f @ W_hf.T + d_g @ W_hg.T + d_o @ W_ho.T
    state = o * y if new else h
    weights: list[Array] = []
    for d in (d_i, d_f, d_g, d_o):
        weights += [x[..., :, None] * d[..., None, :], state[..., :, None] * d[..., None, :], d]
    return d_x, d_h, d_c * f, *weights


def faulty(
    d_h_next: Array, d_c_next: Array, x: Array, h: Array, c: Array, W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array, W_xg: Array, W_hg: Array, b_g: Array, W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, ...]:  # fmt: skip
    return gradients(
        d_h_next, d_c_next, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, new=True
    )


def mended(
    d_h_next: Array, d_c_next: Array, x: Array, h: Array, c: Array, W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array, W_xg: Array, W_hg: Array, b_g: Array, W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, ...]:  # fmt: skip
    return gradients(
        d_h_next, d_c_next, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, new=False
    )
