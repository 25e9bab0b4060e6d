"""Recurrent decoders that attend: one step each, and whole sequences of them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from attnspec import implements
from attnspec_torch import recurrent, seq2seq
from attnspec_torch._functions import DTYPES


# fmt: off
@implements("attention_rnn.bahdanau_step", framework="torch", dtypes=DTYPES)
def bahdanau_step(
    y: Tensor, s: Tensor, h: Tensor, W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Attention, then recurrent.gru_cell_update_writes on [y; c]."""
    alpha = (torch.tanh((s @ W_a).unsqueeze(-2) + h @ U_a) @ v_a).softmax(dim=-1)
    c = _read(alpha, h)
    x = torch.cat([y, c], dim=-1)
    X_r, X_z, X_h = (torch.cat(pair) for pair in ((W_xr, C_r), (W_xz, C_z), (W_xh, C_h)))
    s_next = recurrent.gru_cell_update_writes(x, s, X_r, W_hr, b_r, X_z, W_hz, b_z, X_h, W_hh, b_h)
    return s_next, c, alpha


@implements("attention_rnn.bahdanau_decode", framework="torch", dtypes=DTYPES)
def bahdanau_decode(
    y: Tensor, h: Tensor, W_s: Tensor, W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Step by step; then the distributions of all steps at once, from the states before them."""
    s, c, alpha = _bahdanau_steps(
        y, h, W_s, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    return s[..., 1:, :], alpha, seq2seq.output_maxout(s[..., :-1, :], y, c, U_o, V_o, C_o, W_o)


@implements("attention_rnn.bahdanau_decode_output_from_new_state", framework="torch", dtypes=DTYPES)
def bahdanau_decode_output_from_new_state(
    y: Tensor, h: Tensor, W_s: Tensor, W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Step by step; then the distributions of all steps at once, from the states after them."""
    s, c, alpha = _bahdanau_steps(
        y, h, W_s, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    return s[..., 1:, :], alpha, seq2seq.output_maxout(s[..., 1:, :], y, c, U_o, V_o, C_o, W_o)


@implements("attention_rnn.readout_step", framework="torch", dtypes=DTYPES)
def readout_step(
    y: Tensor, s: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
    W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:
    """[s; c] is formed, and is one product."""
    s_next = recurrent.simple_rnn_cell(y, s, W_xh, W_hh, b_h)
    c = attended(s_next, h, W_q, W_k)
    return s_next, F.linear(torch.cat([s_next, c], dim=-1), W_o.mT, b_o)


@implements("attention_rnn.input_feeding_step", framework="torch", dtypes=DTYPES)
def input_feeding_step(
    y: Tensor, s: Tensor, c: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor,
) -> tuple[Tensor, Tensor]:
    """[y; c] is formed, and is one product."""
    s_next = recurrent.simple_rnn_cell(torch.cat([y, c], dim=-1), s, W_xh, W_hh, b_h)
    return s_next, attended(s_next, h, W_q, W_k)


@implements("attention_rnn.attentive_step", framework="torch", dtypes=DTYPES)
def attentive_step(
    x: Tensor, s: Tensor, c: Tensor, h: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor,
) -> tuple[Tensor, Tensor]:
    """[x; s; c] is formed, and is one product."""
    s_next = torch.tanh(F.linear(torch.cat([x, s, c], dim=-1), A.mT, b))
    return s_next, attended(s_next, h, W_q, W_k)


@implements("attention_rnn.readout_decode", framework="torch", dtypes=DTYPES)
def readout_decode(
    y: Tensor, s_0: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
    W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:
    """All states first, which do not wait for what is read; then all of them ask at once."""
    s = recurrent.simple_rnn(y, s_0, W_xh, W_hh, b_h)
    e = (s @ W_q) @ (h @ W_k).mT
    c = e.softmax(dim=-1) @ h
    return s, F.linear(torch.cat([s, c], dim=-1), W_o.mT, b_o)


@implements("attention_rnn.attentive_decode", framework="torch", dtypes=DTYPES)
def attentive_decode(
    x: Tensor, h: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor,
) -> tuple[Tensor, Tensor]:
    """Step by step, since each state waits for what the one before reads."""
    s = h[..., -1, :]
    c = attended(s, h, W_q, W_k)
    states, contexts = [], []
    for x_t in x.unbind(-2):
        s, c = attentive_step(x_t, s, c, h, A, b, W_q, W_k)
        states.append(s)
        contexts.append(c)
    u = h.shape[-1]
    return _stacked(states, u, x), _stacked(contexts, u, x)


@implements("attention_rnn.attentive_step_values", framework="torch", dtypes=DTYPES)
def attentive_step_values(
    x: Tensor, s: Tensor, c: Tensor, h: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor,
) -> tuple[Tensor, Tensor]:
    """[x; s; c] is formed, and is one product; the states are mapped before they are weighted."""
    s_next = torch.tanh(F.linear(torch.cat([x, s, c], dim=-1), A.mT, b))
    return s_next, _read(_weights(s_next, h, W_q, W_k), h @ W_v)


@implements("attention_rnn.attentive_decode_values", framework="torch", dtypes=DTYPES)
def attentive_decode_values(
    x: Tensor, h: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor,
) -> tuple[Tensor, Tensor]:
    """Step by step, since each state waits for what the one before reads."""
    s = h[..., -1, :]
    c = _read(_weights(s, h, W_q, W_k), h @ W_v)
    states, contexts = [], []
    for x_t in x.unbind(-2):
        s, c = attentive_step_values(x_t, s, c, h, A, b, W_q, W_k, W_v)
        states.append(s)
        contexts.append(c)
    return _stacked(states, h.shape[-1], x), _stacked(contexts, W_v.shape[-1], x)


@implements("attention_rnn.attentional_state", framework="torch", dtypes=DTYPES)
def attentional_state(c: Tensor, s: Tensor, W_c: Tensor) -> Tensor:
    """[c; s] is formed, and is one product."""
    return torch.tanh(torch.cat([c, s], dim=-1) @ W_c)


@implements("attention_rnn.attentional_distribution", framework="torch", dtypes=DTYPES)
def attentional_distribution(h_tilde: Tensor, W_s: Tensor) -> Tensor:
    """One product; then the softmax."""
    return (h_tilde @ W_s).softmax(dim=-1)


@implements("attention_rnn.luong_step", framework="torch", dtypes=DTYPES)
def luong_step(
    y: Tensor, s: Tensor, c: Tensor, h_tilde: Tensor, h: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_a: Tensor, W_c: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """[y; h̃] is formed for recurrent.lstm_cell; the state is mapped to a key's width, so that no key is mapped."""
    x = torch.cat([y, h_tilde], dim=-1)
    s, c = recurrent.lstm_cell(x, s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    e = ((s @ W_a).unsqueeze(-2) @ h.mT).squeeze(-2)
    return s, c, attentional_state(_read(e.softmax(dim=-1), h), s, W_c)


@implements("attention_rnn.luong_decode", framework="torch", dtypes=DTYPES)
def luong_decode(
    y: Tensor, s_0: Tensor, c_0: Tensor, h: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_a: Tensor, W_c: Tensor, W_s: Tensor,
) -> tuple[Tensor, Tensor]:
    """Step by step; then the distributions of all steps at once."""
    s, c, h_tilde = s_0, c_0, s_0.new_zeros((*s_0.shape[:-1], W_c.shape[-1]))
    states = []
    for y_i in y.unbind(-2):
        s, c, h_tilde = luong_step(
            y_i, s, c, h_tilde, h, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_a, W_c
        )
        states.append(h_tilde)
    stacked = _stacked(states, W_c.shape[-1], y)
    return stacked, attentional_distribution(stacked, W_s)


@implements("attention_rnn.input_feeding_decode", framework="torch", dtypes=DTYPES)
def input_feeding_decode(
    y: Tensor, s_0: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor,
) -> tuple[Tensor, Tensor]:
    """Step by step, since each state waits for what the one before reads."""
    s, c = s_0, s_0.new_zeros((*s_0.shape[:-1], h.shape[-1]))
    states, contexts = [], []
    for y_i in y.unbind(-2):
        s, c = input_feeding_step(y_i, s, c, h, W_xh, W_hh, b_h, W_q, W_k)
        states.append(s)
        contexts.append(c)
    return _stacked(states, s_0.shape[-1], y), _stacked(contexts, h.shape[-1], y)


@implements("attention_rnn.next_layer_step", framework="torch", dtypes=DTYPES)
def next_layer_step(
    y: Tensor, s_1: Tensor, s_2: Tensor, h: Tensor,
    W_xh_1: Tensor, W_hh_1: Tensor, b_h_1: Tensor, W_q: Tensor, W_k: Tensor,
    W_xh_2: Tensor, W_hh_2: Tensor, b_h_2: Tensor,
) -> tuple[Tensor, Tensor]:
    """[s; a] is formed, and is one product."""
    s_1 = recurrent.simple_rnn_cell(y, s_1, W_xh_1, W_hh_1, b_h_1)
    x = torch.cat([s_1, attended(s_1, h, W_q, W_k)], dim=-1)
    return s_1, recurrent.simple_rnn_cell(x, s_2, W_xh_2, W_hh_2, b_h_2)


@implements("attention_rnn.next_layer_decode", framework="torch", dtypes=DTYPES)
def next_layer_decode(
    y: Tensor, s_1_0: Tensor, s_2_0: Tensor, h: Tensor,
    W_xh_1: Tensor, W_hh_1: Tensor, b_h_1: Tensor, W_q: Tensor, W_k: Tensor,
    W_xh_2: Tensor, W_hh_2: Tensor, b_h_2: Tensor,
) -> tuple[Tensor, Tensor]:
    """Layer by layer: the lower one does not wait for what is read, and all its states ask at once."""
    s_1 = recurrent.simple_rnn(y, s_1_0, W_xh_1, W_hh_1, b_h_1)
    e = (s_1 @ W_q) @ (h @ W_k).mT
    x = torch.cat([s_1, e.softmax(dim=-1) @ h], dim=-1)
    return s_1, recurrent.simple_rnn(x, s_2_0, W_xh_2, W_hh_2, b_h_2)


@implements("attention_rnn.bahdanau_greedy_step", framework="torch", dtypes=DTYPES)
def bahdanau_greedy_step(
    token: Tensor, s: Tensor, h: Tensor, E: Tensor,
    W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
) -> tuple[Tensor, Tensor]:
    """bahdanau_step on the word's row; no softmax, which would not change which is the largest."""
    y = F.embedding(token, E)
    s_next, c, _ = bahdanau_step(
        y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    return s_next, seq2seq.maxout_logits(s, y, c, U_o, V_o, C_o, W_o).argmax(dim=-1)


@implements("attention_rnn.bahdanau_greedy_decode", framework="torch", dtypes=DTYPES)
def bahdanau_greedy_decode(
    h: Tensor, E: Tensor, W_s: Tensor,
    W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
    *, start: int, stop: int, limit: int,
) -> Tensor:
    """Step by step."""
    weights = (
        W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, U_o, V_o, C_o, W_o,
    )
    return seq2seq.generated(
        lambda i, token, s: bahdanau_greedy_step(token, s, h, E, *weights),
        (torch.tanh(h[..., 0, W_s.shape[0] :] @ W_s),), start=start, stop=stop, count=limit,
    )


@implements("attention_rnn.bahdanau_sample_step", framework="torch", dtypes=DTYPES)
def bahdanau_sample_step(
    token: Tensor, uniform: Tensor, s: Tensor, h: Tensor, E: Tensor,
    W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
    *, tau: float,
) -> tuple[Tensor, Tensor]:
    """bahdanau_step on the word's row; then one draw."""
    y = F.embedding(token, E)
    s_next, c, _ = bahdanau_step(
        y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    p = seq2seq.temperature(seq2seq.maxout_logits(s, y, c, U_o, V_o, C_o, W_o), tau=tau)
    return s_next, seq2seq.sample(p, uniform)


@implements("attention_rnn.bahdanau_sample_decode", framework="torch", dtypes=DTYPES)
def bahdanau_sample_decode(
    uniform: Tensor, h: Tensor, E: Tensor, W_s: Tensor,
    W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
    *, start: int, stop: int, tau: float,
) -> Tensor:
    """Step by step, a number each."""
    weights = (
        W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, U_o, V_o, C_o, W_o,
    )
    return seq2seq.generated(
        lambda i, token, s: bahdanau_sample_step(token, uniform[..., i], s, h, E, *weights, tau=tau),
        (torch.tanh(h[..., 0, W_s.shape[0] :] @ W_s),), start=start, stop=stop, count=uniform.shape[-1],
    )


@implements("attention_rnn.readout_greedy_step", framework="torch", dtypes=DTYPES)
def readout_greedy_step(
    token: Tensor, s: Tensor, h: Tensor, E: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:
    """readout_step on the word's row."""
    s_next, y_hat = readout_step(F.embedding(token, E), s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return s_next, y_hat.argmax(dim=-1)


@implements("attention_rnn.readout_greedy_decode", framework="torch", dtypes=DTYPES)
def readout_greedy_decode(
    s_0: Tensor, h: Tensor, E: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, start: int, stop: int, limit: int,
) -> Tensor:
    """Step by step."""
    return seq2seq.generated(
        lambda i, token, s: readout_greedy_step(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o),
        (s_0,), start=start, stop=stop, count=limit,
    )


@implements("attention_rnn.readout_sample_step", framework="torch", dtypes=DTYPES)
def readout_sample_step(
    token: Tensor, uniform: Tensor, s: Tensor, h: Tensor, E: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, tau: float,
) -> tuple[Tensor, Tensor]:
    """readout_step on the word's row; then one draw."""
    s_next, y_hat = readout_step(F.embedding(token, E), s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return s_next, seq2seq.sample(seq2seq.temperature(y_hat, tau=tau), uniform)


@implements("attention_rnn.readout_sample_decode", framework="torch", dtypes=DTYPES)
def readout_sample_decode(
    uniform: Tensor, s_0: Tensor, h: Tensor, E: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, start: int, stop: int, tau: float,
) -> Tensor:
    """Step by step, a number each."""
    return seq2seq.generated(
        lambda i, token, s: readout_sample_step(
            token, uniform[..., i], s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, tau=tau
        ),
        (s_0,), start=start, stop=stop, count=uniform.shape[-1],
    )


@implements("attention_rnn.attentive_greedy_step", framework="torch", dtypes=DTYPES)
def attentive_greedy_step(
    token: Tensor, s: Tensor, c: Tensor, h: Tensor, E: Tensor,
    A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """attentive_step on the word's row; no softmax, which would not change which is the largest."""
    s, c = attentive_step(F.embedding(token, E), s, c, h, A, b, W_q, W_k)
    return s, c, recurrent.readout(s, W_o, b_o).argmax(dim=-1)


@implements("attention_rnn.attentive_greedy_decode", framework="torch", dtypes=DTYPES)
def attentive_greedy_decode(
    h: Tensor, E: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, start: int, stop: int, limit: int,
) -> Tensor:
    """Step by step."""
    s = h[..., -1, :]
    return seq2seq.generated(
        lambda i, token, s, c: attentive_greedy_step(token, s, c, h, E, A, b, W_q, W_k, W_o, b_o),
        (s, attended(s, h, W_q, W_k)), start=start, stop=stop, count=limit,
    )


@implements("attention_rnn.attentive_sample_step", framework="torch", dtypes=DTYPES)
def attentive_sample_step(
    token: Tensor, uniform: Tensor, s: Tensor, c: Tensor, h: Tensor, E: Tensor,
    A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor, *, tau: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """attentive_step on the word's row; then one draw."""
    s, c = attentive_step(F.embedding(token, E), s, c, h, A, b, W_q, W_k)
    return s, c, seq2seq.sample(seq2seq.temperature(recurrent.readout(s, W_o, b_o), tau=tau), uniform)


@implements("attention_rnn.attentive_sample_decode", framework="torch", dtypes=DTYPES)
def attentive_sample_decode(
    uniform: Tensor, h: Tensor, E: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, start: int, stop: int, tau: float,
) -> Tensor:
    """Step by step, a number each."""
    s = h[..., -1, :]
    return seq2seq.generated(
        lambda i, token, s, c: attentive_sample_step(
            token, uniform[..., i], s, c, h, E, A, b, W_q, W_k, W_o, b_o, tau=tau
        ),
        (s, attended(s, h, W_q, W_k)), start=start, stop=stop, count=uniform.shape[-1],
    )


@implements("attention_rnn.self_attentive_context", framework="torch", dtypes=DTYPES)
def self_attentive_context(h: Tensor, W_q: Tensor, W_k: Tensor) -> Tensor:
    """All scores in one product; those of later states are hidden."""
    e = (h @ W_q) @ (h @ W_k).mT
    seen = torch.ones(e.shape[-2:], dtype=torch.bool, device=e.device).tril()
    return e.masked_fill(~seen, -math.inf).softmax(dim=-1) @ h


@implements("attention_rnn.self_attentive", framework="torch", dtypes=DTYPES)
def self_attentive(x: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor) -> tuple[Tensor, Tensor]:
    """Step by step; each state reads the stack of those so far, of which it is the last."""
    c = x.new_zeros((*x.shape[:-2], b.shape[0]))
    states: list[Tensor] = []
    contexts: list[Tensor] = []
    for x_t in x.unbind(-2):
        s = torch.tanh(F.linear(torch.cat([x_t, c], dim=-1), A.mT, b))
        states.append(s)
        c = attended(s, torch.stack(states, dim=-2), W_q, W_k)
        contexts.append(c)
    u = b.shape[0]
    return _stacked(states, u, x), _stacked(contexts, u, x)
# fmt: on


def _stacked(rows: list[Tensor], width: int, like: Tensor) -> Tensor:
    """One row for each step; where there is none, none of this width."""
    return torch.stack(rows, dim=-2) if rows else like.new_empty((*like.shape[:-2], 0, width))


def attended(s: Tensor, h: Tensor, W_q: Tensor, W_k: Tensor) -> Tensor:
    """What a state reads: every key is mapped, then two products."""
    return _read(_weights(s, h, W_q, W_k), h)


def _weights(s: Tensor, h: Tensor, W_q: Tensor, W_k: Tensor) -> Tensor:
    return ((s @ W_q).unsqueeze(-2) @ (h @ W_k).mT).squeeze(-2).softmax(dim=-1)


def _read(alpha: Tensor, h: Tensor) -> Tensor:
    return (alpha.unsqueeze(-2) @ h).squeeze(-2)


# fmt: off
def _bahdanau_steps(
    y: Tensor, h: Tensor, W_s: Tensor, W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Every state, the first one too; every context; all weights. What the keys give is the same at every step."""
    keys = h @ U_a
    X_r, X_z, X_h = (torch.cat(pair) for pair in ((W_xr, C_r), (W_xz, C_z), (W_xh, C_h)))
    s = torch.tanh(h[..., 0, W_s.shape[0] :] @ W_s)
    states, contexts, weights = [s], [], []
    for y_i in y.unbind(-2):
        alpha = (torch.tanh((s @ W_a).unsqueeze(-2) + keys) @ v_a).softmax(dim=-1)
        c = _read(alpha, h)
        x = torch.cat([y_i, c], dim=-1)
        s = recurrent.gru_cell_update_writes(x, s, X_r, W_hr, b_r, X_z, W_hz, b_z, X_h, W_hh, b_h)
        states.append(s)
        contexts.append(c)
        weights.append(alpha)
    return torch.stack(states, dim=-2), _stacked(contexts, h.shape[-1], y), _stacked(weights, h.shape[-2], y)
# fmt: on
