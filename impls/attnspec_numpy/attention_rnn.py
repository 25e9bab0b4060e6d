"""Recurrent decoders that attend: one step each."""

from __future__ import annotations

import numpy as np

from attnspec import implements
from attnspec_numpy import recurrent
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single, softmax, transposed


# fmt: off
@implements("attention_rnn.bahdanau_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_step(
    y: Array, s: Array, h: Array, W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
) -> tuple[Array, Array, Array]:
    """Attention, then recurrent.gru_cell_update_writes on [y; c]."""
    e = np.tanh((s @ W_a)[..., None, :] + h @ U_a) @ v_a
    alpha = softmax(e)
    c = _read(alpha, h)
    x = np.concatenate([y, c], axis=-1)
    X_r, X_z, X_h = (np.concatenate(pair) for pair in ((W_xr, C_r), (W_xz, C_z), (W_xh, C_h)))
    s_next = recurrent.gru_cell_update_writes(x, s, X_r, W_hr, b_r, X_z, W_hz, b_z, X_h, W_hh, b_h)
    return s_next, c, alpha


@implements("attention_rnn.readout_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout_step(
    y: Array, s: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
) -> tuple[Array, Array]:
    """[s; c] is formed, and is one product."""
    s_next = recurrent.simple_rnn_cell(y, s, W_xh, W_hh, b_h)
    c = _attended(s_next, h, W_q, W_k)
    return s_next, np.concatenate([s_next, c], axis=-1) @ W_o + b_o


@implements("attention_rnn.input_feeding_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def input_feeding_step(
    y: Array, s: Array, c: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array,
) -> tuple[Array, Array]:
    """[y; c] is formed, and is one product."""
    s_next = recurrent.simple_rnn_cell(np.concatenate([y, c], axis=-1), s, W_xh, W_hh, b_h)
    return s_next, _attended(s_next, h, W_q, W_k)


@implements("attention_rnn.attentive_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_step(
    x: Array, s: Array, c: Array, h: Array, A: Array, b: Array, W_q: Array, W_k: Array,
) -> tuple[Array, Array]:
    """[x; s; c] is formed, and is one product."""
    s_next = np.tanh(np.concatenate([x, s, c], axis=-1) @ A + b)
    return s_next, _attended(s_next, h, W_q, W_k)
# fmt: on


def _attended(s: Array, h: Array, W_q: Array, W_k: Array) -> Array:
    """What a state reads: every key is mapped, then two products."""
    e = ((s @ W_q)[..., None, :] @ transposed(h @ W_k))[..., 0, :]
    return _read(softmax(e, out=e), h)


def _read(alpha: Array, h: Array) -> Array:
    return (alpha[..., None, :] @ h)[..., 0, :]
