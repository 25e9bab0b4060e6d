"""Recurrent decoders that attend: one step each, and whole sequences of them."""

from __future__ import annotations

from typing import cast

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
    c = attended(s_next, h, W_q, W_k)
    return s_next, np.concatenate([s_next, c], axis=-1) @ W_o + b_o


@implements("attention_rnn.input_feeding_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def input_feeding_step(
    y: Array, s: Array, c: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array,
) -> tuple[Array, Array]:
    """[y; c] is formed, and is one product."""
    s_next = recurrent.simple_rnn_cell(np.concatenate([y, c], axis=-1), s, W_xh, W_hh, b_h)
    return s_next, attended(s_next, h, W_q, W_k)


@implements("attention_rnn.attentive_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_step(
    x: Array, s: Array, c: Array, h: Array, A: Array, b: Array, W_q: Array, W_k: Array,
) -> tuple[Array, Array]:
    """[x; s; c] is formed, and is one product."""
    s_next = np.tanh(np.concatenate([x, s, c], axis=-1) @ A + b)
    return s_next, attended(s_next, h, W_q, W_k)


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
    c = attended(s, h, W_q, W_k)
    states, contexts = [], []
    for x_t in np.moveaxis(x, -2, 0):
        s, c = attentive_step(x_t, s, c, h, A, b, W_q, W_k)
        states.append(s)
        contexts.append(c)
    u = h.shape[-1]
    return _stacked(states, u, x), _stacked(contexts, u, x)


@implements("attention_rnn.attentive_step_values", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_step_values(
    x: Array, s: Array, c: Array, h: Array, A: Array, b: Array, W_q: Array, W_k: Array, W_v: Array,
) -> tuple[Array, Array]:
    """[x; s; c] is formed, and is one product; the states are weighted before they are mapped."""
    s_next = np.tanh(np.concatenate([x, s, c], axis=-1) @ A + b)
    return s_next, attended(s_next, h, W_q, W_k) @ W_v


@implements("attention_rnn.attentive_decode_values", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_decode_values(
    x: Array, h: Array, A: Array, b: Array, W_q: Array, W_k: Array, W_v: Array,
) -> tuple[Array, Array]:
    """Step by step, since each state waits for what the one before reads."""
    s = h[..., -1, :]
    c = attended(s, h, W_q, W_k) @ W_v
    states, contexts = [], []
    for x_t in np.moveaxis(x, -2, 0):
        s, c = attentive_step_values(x_t, s, c, h, A, b, W_q, W_k, W_v)
        states.append(s)
        contexts.append(c)
    return _stacked(states, h.shape[-1], x), _stacked(contexts, W_v.shape[-1], x)


@implements("attention_rnn.attentional_state", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentional_state(c: Array, s: Array, W_c: Array) -> Array:
    """[c; s] is formed, and is one product."""
    return cast(Array, np.tanh(np.concatenate([c, s], axis=-1) @ W_c))


@implements("attention_rnn.attentional_distribution", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentional_distribution(h_tilde: Array, W_s: Array) -> Array:
    """One product; the softmax works in place."""
    logits = h_tilde @ W_s
    return softmax(logits, out=logits)


@implements("attention_rnn.luong_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def luong_step(
    y: Array, s: Array, c: Array, h_tilde: Array, h: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_a: Array, W_c: Array,
) -> tuple[Array, Array, Array]:
    """[y; h̃] is formed for recurrent.lstm_cell; the state is mapped to a key's width, so that no key is mapped."""
    x = np.concatenate([y, h_tilde], axis=-1)
    s, c = recurrent.lstm_cell(x, s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    e = ((s @ W_a)[..., None, :] @ transposed(h))[..., 0, :]
    return s, c, attentional_state(_read(softmax(e, out=e), h), s, W_c)


@implements("attention_rnn.luong_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def luong_decode(
    y: Array, s_0: Array, c_0: Array, h: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_a: Array, W_c: Array, W_s: Array,
) -> tuple[Array, Array]:
    """Step by step; then the distributions of all steps at once."""
    s, c, h_tilde = s_0, c_0, np.zeros((*s_0.shape[:-1], W_c.shape[-1]), dtype=s_0.dtype)
    states = []
    for y_i in np.moveaxis(y, -2, 0):
        s, c, h_tilde = luong_step(
            y_i, s, c, h_tilde, h, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_a, W_c
        )
        states.append(h_tilde)
    stacked = _stacked(states, W_c.shape[-1], y)
    return stacked, attentional_distribution(stacked, W_s)


@implements("attention_rnn.input_feeding_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def input_feeding_decode(
    y: Array, s_0: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array,
) -> tuple[Array, Array]:
    """Step by step, since each state waits for what the one before reads."""
    s, c = s_0, np.zeros((*s_0.shape[:-1], h.shape[-1]), dtype=s_0.dtype)
    states, contexts = [], []
    for y_i in np.moveaxis(y, -2, 0):
        s, c = input_feeding_step(y_i, s, c, h, W_xh, W_hh, b_h, W_q, W_k)
        states.append(s)
        contexts.append(c)
    return _stacked(states, s_0.shape[-1], y), _stacked(contexts, h.shape[-1], y)


@implements("attention_rnn.next_layer_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def next_layer_step(
    y: Array, s_1: Array, s_2: Array, h: Array,
    W_xh_1: Array, W_hh_1: Array, b_h_1: Array, W_q: Array, W_k: Array,
    W_xh_2: Array, W_hh_2: Array, b_h_2: Array,
) -> tuple[Array, Array]:
    """[s; a] is formed, and is one product."""
    s_1 = recurrent.simple_rnn_cell(y, s_1, W_xh_1, W_hh_1, b_h_1)
    x = np.concatenate([s_1, attended(s_1, h, W_q, W_k)], axis=-1)
    return s_1, recurrent.simple_rnn_cell(x, s_2, W_xh_2, W_hh_2, b_h_2)


@implements("attention_rnn.next_layer_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def next_layer_decode(
    y: Array, s_1_0: Array, s_2_0: Array, h: Array,
    W_xh_1: Array, W_hh_1: Array, b_h_1: Array, W_q: Array, W_k: Array,
    W_xh_2: Array, W_hh_2: Array, b_h_2: Array,
) -> tuple[Array, Array]:
    """Layer by layer: the lower one does not wait for what is read, and all its states ask at once."""
    s_1 = recurrent.simple_rnn(y, s_1_0, W_xh_1, W_hh_1, b_h_1)
    e = (s_1 @ W_q) @ transposed(h @ W_k)
    x = np.concatenate([s_1, softmax(e, out=e) @ h], axis=-1)
    return s_1, recurrent.simple_rnn(x, s_2_0, W_xh_2, W_hh_2, b_h_2)


@implements("attention_rnn.bahdanau_greedy_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_greedy_step(
    token: Array, s: Array, h: Array, E: Array,
    W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
) -> tuple[Array, Array]:
    """bahdanau_step on the word's row; no softmax, which would not change which is the largest."""
    y = E[token]
    s_next, c, _ = bahdanau_step(
        y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    return s_next, np.asarray(seq2seq.maxout_logits(s, y, c, U_o, V_o, C_o, W_o).argmax(axis=-1))


@implements("attention_rnn.bahdanau_greedy_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_greedy_decode(
    h: Array, E: Array, W_s: Array,
    W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
    *, start: int, stop: int, limit: int,
) -> Array:
    """Step by step."""
    weights = (
        W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, U_o, V_o, C_o, W_o,
    )
    return seq2seq.generated(
        lambda i, token, s: bahdanau_greedy_step(token, s, h, E, *weights),
        (np.tanh(h[..., 0, W_s.shape[0] :] @ W_s),), start=start, stop=stop, count=limit,
    )


@implements("attention_rnn.bahdanau_sample_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_sample_step(
    token: Array, uniform: Array, s: Array, h: Array, E: Array,
    W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
    *, tau: float,
) -> tuple[Array, Array]:
    """bahdanau_step on the word's row; then one draw."""
    y = E[token]
    s_next, c, _ = bahdanau_step(
        y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    p = seq2seq.temperature(seq2seq.maxout_logits(s, y, c, U_o, V_o, C_o, W_o), tau=tau)
    return s_next, seq2seq.sample(p, uniform)


@implements("attention_rnn.bahdanau_sample_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_sample_decode(
    uniform: Array, h: Array, E: Array, W_s: Array,
    W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
    *, start: int, stop: int, tau: float,
) -> Array:
    """Step by step, a number each."""
    weights = (
        W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, U_o, V_o, C_o, W_o,
    )
    return seq2seq.generated(
        lambda i, token, s: bahdanau_sample_step(token, uniform[..., i], s, h, E, *weights, tau=tau),
        (np.tanh(h[..., 0, W_s.shape[0] :] @ W_s),), start=start, stop=stop, count=uniform.shape[-1],
    )


@implements("attention_rnn.readout_greedy_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout_greedy_step(
    token: Array, s: Array, h: Array, E: Array,
    W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
) -> tuple[Array, Array]:
    """readout_step on the word's row."""
    s_next, y_hat = readout_step(E[token], s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return s_next, np.asarray(y_hat.argmax(axis=-1))


@implements("attention_rnn.readout_greedy_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout_greedy_decode(
    s_0: Array, h: Array, E: Array,
    W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, start: int, stop: int, limit: int,
) -> Array:
    """Step by step."""
    return seq2seq.generated(
        lambda i, token, s: readout_greedy_step(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o),
        (s_0,), start=start, stop=stop, count=limit,
    )


@implements("attention_rnn.readout_sample_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout_sample_step(
    token: Array, uniform: Array, s: Array, h: Array, E: Array,
    W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, tau: float,
) -> tuple[Array, Array]:
    """readout_step on the word's row; then one draw."""
    s_next, y_hat = readout_step(E[token], s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return s_next, seq2seq.sample(seq2seq.temperature(y_hat, tau=tau), uniform)


@implements("attention_rnn.readout_sample_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout_sample_decode(
    uniform: Array, s_0: Array, h: Array, E: Array,
    W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, start: int, stop: int, tau: float,
) -> Array:
    """Step by step, a number each."""
    return seq2seq.generated(
        lambda i, token, s: readout_sample_step(
            token, uniform[..., i], s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, tau=tau
        ),
        (s_0,), start=start, stop=stop, count=uniform.shape[-1],
    )


@implements("attention_rnn.attentive_greedy_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_greedy_step(
    token: Array, s: Array, c: Array, h: Array, E: Array,
    A: Array, b: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
) -> tuple[Array, Array, Array]:
    """attentive_step on the word's row; no softmax, which would not change which is the largest."""
    s, c = attentive_step(E[token], s, c, h, A, b, W_q, W_k)
    return s, c, np.asarray(recurrent.readout(s, W_o, b_o).argmax(axis=-1))


@implements("attention_rnn.attentive_greedy_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_greedy_decode(
    h: Array, E: Array, A: Array, b: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, start: int, stop: int, limit: int,
) -> Array:
    """Step by step."""
    s = h[..., -1, :]
    return seq2seq.generated(
        lambda i, token, s, c: attentive_greedy_step(token, s, c, h, E, A, b, W_q, W_k, W_o, b_o),
        (s, attended(s, h, W_q, W_k)), start=start, stop=stop, count=limit,
    )


@implements("attention_rnn.attentive_sample_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_sample_step(
    token: Array, uniform: Array, s: Array, c: Array, h: Array, E: Array,
    A: Array, b: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array, *, tau: float,
) -> tuple[Array, Array, Array]:
    """attentive_step on the word's row; then one draw."""
    s, c = attentive_step(E[token], s, c, h, A, b, W_q, W_k)
    return s, c, seq2seq.sample(seq2seq.temperature(recurrent.readout(s, W_o, b_o), tau=tau), uniform)


@implements("attention_rnn.attentive_sample_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_sample_decode(
    uniform: Array, h: Array, E: Array, A: Array, b: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, start: int, stop: int, tau: float,
) -> Array:
    """Step by step, a number each."""
    s = h[..., -1, :]
    return seq2seq.generated(
        lambda i, token, s, c: attentive_sample_step(
            token, uniform[..., i], s, c, h, E, A, b, W_q, W_k, W_o, b_o, tau=tau
        ),
        (s, attended(s, h, W_q, W_k)), start=start, stop=stop, count=uniform.shape[-1],
    )


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
        c = attended(s, np.stack(states, axis=-2), W_q, W_k)
        contexts.append(c)
    u = b.shape[0]
    return _stacked(states, u, x), _stacked(contexts, u, x)
# fmt: on


def _stacked(rows: list[Array], width: int, like: Array) -> Array:
    """One row for each step; where there is none, none of this width."""
    return np.stack(rows, axis=-2) if rows else np.empty((*like.shape[:-2], 0, width), dtype=like.dtype)


def attended(s: Array, h: Array, W_q: Array, W_k: Array) -> Array:
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
