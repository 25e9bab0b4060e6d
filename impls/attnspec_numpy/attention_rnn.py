"""Recurrent decoders that attend: one step each, and whole sequences of them."""

from __future__ import annotations

import numpy as np

from attnspec import implements
from attnspec_numpy import recurrent, seq2seq
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single, masked_softmax, softmax, transposed


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


@implements("attention_rnn.bahdanau_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_decode(
    y: Array, h: Array, W_s: Array, W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
) -> tuple[Array, Array, Array]:
    """Step by step; then the distributions of all steps at once, from the states before them."""
    s, c, alpha = _bahdanau_steps(
        y, h, W_s, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    return s[..., 1:, :], alpha, seq2seq.output_maxout(s[..., :-1, :], y, c, U_o, V_o, C_o, W_o)


@implements("attention_rnn.bahdanau_decode_output_from_new_state", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_decode_output_from_new_state(
    y: Array, h: Array, W_s: Array, W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
) -> tuple[Array, Array, Array]:
    """Step by step; then the distributions of all steps at once, from the states after them."""
    s, c, alpha = _bahdanau_steps(
        y, h, W_s, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    return s[..., 1:, :], alpha, seq2seq.output_maxout(s[..., 1:, :], y, c, U_o, V_o, C_o, W_o)


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


@implements("attention_rnn.readout_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout_decode(
    y: Array, s_0: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array,
    W_q: Array, W_k: Array, W_o: Array, b_o: Array,
) -> tuple[Array, Array]:
    """All states first, which do not wait for what is read; then all of them ask at once."""
    s = recurrent.simple_rnn(y, s_0, W_xh, W_hh, b_h)
    e = (s @ W_q) @ transposed(h @ W_k)
    c = softmax(e, out=e) @ h
    return s, np.concatenate([s, c], axis=-1) @ W_o + b_o


@implements("attention_rnn.attentive_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_decode(
    x: Array, h: Array, A: Array, b: Array, W_q: Array, W_k: Array,
) -> tuple[Array, Array]:
    """Step by step, since each state waits for what the one before reads."""
    s = h[..., -1, :]
    c = _attended(s, h, W_q, W_k)
    states, contexts = [], []
    for x_t in np.moveaxis(x, -2, 0):
        s, c = attentive_step(x_t, s, c, h, A, b, W_q, W_k)
        states.append(s)
        contexts.append(c)
    u = h.shape[-1]
    return _stacked(states, u, x), _stacked(contexts, u, x)


@implements("attention_rnn.self_attentive_context", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def self_attentive_context(h: Array, W_q: Array, W_k: Array) -> Array:
    """All scores in one product; those of later states are hidden."""
    e = (h @ W_q) @ transposed(h @ W_k)
    seen = np.tri(h.shape[-2], dtype=bool)
    return masked_softmax(e, np.broadcast_to(seen, e.shape)) @ h


@implements("attention_rnn.self_attentive", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def self_attentive(x: Array, A: Array, b: Array, W_q: Array, W_k: Array) -> tuple[Array, Array]:
    """Step by step; each state reads the stack of those so far, of which it is the last."""
    c = np.zeros((*x.shape[:-2], b.shape[0]), dtype=x.dtype)
    states: list[Array] = []
    contexts: list[Array] = []
    for x_t in np.moveaxis(x, -2, 0):
        s = np.tanh(np.concatenate([x_t, c], axis=-1) @ A + b)
        states.append(s)
        c = _attended(s, np.stack(states, axis=-2), W_q, W_k)
        contexts.append(c)
    u = b.shape[0]
    return _stacked(states, u, x), _stacked(contexts, u, x)
# fmt: on


def _stacked(rows: list[Array], width: int, like: Array) -> Array:
    """One row for each step; where there is none, none of this width."""
    return np.stack(rows, axis=-2) if rows else np.empty((*like.shape[:-2], 0, width), dtype=like.dtype)


def _attended(s: Array, h: Array, W_q: Array, W_k: Array) -> Array:
    """What a state reads: every key is mapped, then two products."""
    e = ((s @ W_q)[..., None, :] @ transposed(h @ W_k))[..., 0, :]
    return _read(softmax(e, out=e), h)


def _read(alpha: Array, h: Array) -> Array:
    return (alpha[..., None, :] @ h)[..., 0, :]


# fmt: off
def _bahdanau_steps(
    y: Array, h: Array, W_s: Array, W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
) -> tuple[Array, Array, Array]:
    """Every state, the first one too; every context; all weights. What the keys give is the same at every step."""
    e, m, k = W_s.shape[0], h.shape[-2], h.shape[-1]
    lead, n, u = np.broadcast_shapes(y.shape[:-2], h.shape[:-2]), y.shape[-2], W_s.shape[1]
    keys = h @ U_a
    X_r, X_z, X_h = (np.concatenate(pair) for pair in ((W_xr, C_r), (W_xz, C_z), (W_xh, C_h)))
    s, c, alpha = (np.empty((*lead, rows, width), dtype=y.dtype) for rows, width in ((n + 1, u), (n, k), (n, m)))
    s[..., 0, :] = np.tanh(h[..., 0, e:] @ W_s)
    for i in range(n):
        state = s[..., i, :]
        alpha[..., i, :] = softmax(np.tanh((state @ W_a)[..., None, :] + keys) @ v_a)
        c[..., i, :] = _read(alpha[..., i, :], h)
        x = np.concatenate([y[..., i, :], c[..., i, :]], axis=-1)
        s[..., i + 1, :] = recurrent.gru_cell_update_writes(x, state, X_r, W_hr, b_r, X_z, W_hz, b_z, X_h, W_hh, b_h)
    return s, c, alpha
# fmt: on
