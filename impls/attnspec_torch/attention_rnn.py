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
    c = _attended(s_next, h, W_q, W_k)
    return s_next, F.linear(torch.cat([s_next, c], dim=-1), W_o.mT, b_o)


@implements("attention_rnn.input_feeding_step", framework="torch", dtypes=DTYPES)
def input_feeding_step(
    y: Tensor, s: Tensor, c: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor,
) -> tuple[Tensor, Tensor]:
    """[y; c] is formed, and is one product."""
    s_next = recurrent.simple_rnn_cell(torch.cat([y, c], dim=-1), s, W_xh, W_hh, b_h)
    return s_next, _attended(s_next, h, W_q, W_k)


@implements("attention_rnn.attentive_step", framework="torch", dtypes=DTYPES)
def attentive_step(
    x: Tensor, s: Tensor, c: Tensor, h: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor,
) -> tuple[Tensor, Tensor]:
    """[x; s; c] is formed, and is one product."""
    s_next = torch.tanh(F.linear(torch.cat([x, s, c], dim=-1), A.mT, b))
    return s_next, _attended(s_next, h, W_q, W_k)


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
    c = _attended(s, h, W_q, W_k)
    states, contexts = [], []
    for x_t in x.unbind(-2):
        s, c = attentive_step(x_t, s, c, h, A, b, W_q, W_k)
        states.append(s)
        contexts.append(c)
    u = h.shape[-1]
    return _stacked(states, u, x), _stacked(contexts, u, x)


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
        c = _attended(s, torch.stack(states, dim=-2), W_q, W_k)
        contexts.append(c)
    u = b.shape[0]
    return _stacked(states, u, x), _stacked(contexts, u, x)
# fmt: on


def _stacked(rows: list[Tensor], width: int, like: Tensor) -> Tensor:
    """One row for each step; where there is none, none of this width."""
    return torch.stack(rows, dim=-2) if rows else like.new_empty((*like.shape[:-2], 0, width))


def _attended(s: Tensor, h: Tensor, W_q: Tensor, W_k: Tensor) -> Tensor:
    """What a state reads: every key is mapped, then two products."""
    e = ((s @ W_q).unsqueeze(-2) @ (h @ W_k).mT).squeeze(-2)
    return _read(e.softmax(dim=-1), h)


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
