"""The LSTM that runs backward has as many steps as a row has elements, and not as the sequence has rows.

https://github.com/kraiskil/onnx2c/issues/95
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "recurrent.bidirectional_lstm"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def sigmoid(a: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * a))


def run(x: Array, weights: tuple[Array, ...], steps: range) -> Array:
    """The hidden states of an LSTM that starts at 0 and takes these steps; 0 elsewhere."""
    W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o = weights
    y = np.zeros((*x.shape[:-1], len(b_i)), x.dtype)
    h = c = np.zeros((*x.shape[:-2], len(b_i)), x.dtype)
    for t in steps:
        row = x[..., t, :]
        c = sigmoid(row @ W_xf + h @ W_hf + b_f) * c + sigmoid(row @ W_xi + h @ W_hi + b_i) * np.tanh(
            row @ W_xg + h @ W_hg + b_g
        )
        h = sigmoid(row @ W_xo + h @ W_ho + b_o) * np.tanh(c)
        y[..., t, :] = h
    return y


def both(x: Array, forward: tuple[Array, ...], backward: tuple[Array, ...], steps: int) -> Array:
    return np.concatenate([run(x, forward, range(x.shape[-2])), run(x, backward, range(steps - 1, -1, -1))], -1)


def faulty(
    x: Array,
    W_xi_f: Array, W_hi_f: Array, b_i_f: Array, W_xf_f: Array, W_hf_f: Array, b_f_f: Array,
    W_xg_f: Array, W_hg_f: Array, b_g_f: Array, W_xo_f: Array, W_ho_f: Array, b_o_f: Array,
    W_xi_b: Array, W_hi_b: Array, b_i_b: Array, W_xf_b: Array, W_hf_b: Array, b_f_b: Array,
    W_xg_b: Array, W_hg_b: Array, b_g_b: Array, W_xo_b: Array, W_ho_b: Array, b_o_b: Array,
) -> Array:  # fmt: skip
    forward = (W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f, W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f)
    backward = (W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b, W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b)
    return both(x, forward, backward, min(x.shape[-2:]))


def mended(
    x: Array,
    W_xi_f: Array, W_hi_f: Array, b_i_f: Array, W_xf_f: Array, W_hf_f: Array, b_f_f: Array,
    W_xg_f: Array, W_hg_f: Array, b_g_f: Array, W_xo_f: Array, W_ho_f: Array, b_o_f: Array,
    W_xi_b: Array, W_hi_b: Array, b_i_b: Array, W_xf_b: Array, W_hf_b: Array, b_f_b: Array,
    W_xg_b: Array, W_hg_b: Array, b_g_b: Array, W_xo_b: Array, W_ho_b: Array, b_o_b: Array,
) -> Array:  # fmt: skip
    forward = (W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f, W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f)
    backward = (W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b, W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b)
    return both(x, forward, backward, x.shape[-2])
