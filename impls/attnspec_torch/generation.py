"""Generating with a beam: one stable sort a step; states and tokens are gathered by the hypothesis that goes on."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from attnspec import implements
from attnspec_torch import attention_rnn, recurrent, seq2seq, transformer
from attnspec_torch._functions import DTYPES

Step = Callable[..., tuple[Tensor, ...]]


@implements("generation.beam_step", framework="torch", dtypes=DTYPES)
def beam_step(log_p: Tensor, score: Tensor, over: Tensor, *, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    """A stable sort of all continuations, so that the first of equals stays first."""
    beam, v = log_p.shape[-2:]
    ended = torch.where(torch.arange(v, device=log_p.device) == stop, 0.0, -torch.inf).to(log_p.dtype)
    total = (score.unsqueeze(-1) + torch.where(over.unsqueeze(-1) > 0, ended, log_p)).flatten(-2)
    best, place = total.sort(dim=-1, descending=True, stable=True)
    place = place[..., :beam]
    return best[..., :beam].contiguous(), place // v, place % v


def _gathered(a: Tensor, parent: Tensor) -> Tensor:
    """The rows of an array (…, beam, any) that belong to some hypotheses (…, beam)."""
    return a.take_along_dim(parent.unsqueeze(-1), dim=-2)


def _kept(
    logits: Tensor, tokens: Tensor, score: Tensor, over: Tensor, states: tuple[Tensor, ...], *, stop: int
) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, ...]]:
    """The tokens of the hypotheses that are kept, before the new one; the new one; their scores and states."""
    score, parent, token = beam_step(logits.log_softmax(dim=-1), score, over, stop=stop)
    return _gathered(tokens, parent), token, score, tuple(_gathered(s, parent) for s in states)


def _stepped(
    step: Step, tokens: Tensor, length: Tensor, score: Tensor, states: tuple[Tensor, ...], *, start: int, stop: int
) -> tuple[Tensor, ...]:
    """One step of a beam of which `length` tokens exist, of each example so many."""
    at = length[..., None, None].expand(*tokens.shape[:-1], 1)
    last = tokens.take_along_dim((at - 1).clamp(min=0), dim=-1).squeeze(-1)
    some = length[..., None] > 0
    *states_next, logits = step(torch.where(some, last, start), *states)
    kept, token, score, ends = _kept(logits, tokens, score, (last == stop) & some, tuple(states_next), stop=stop)
    here = torch.arange(tokens.shape[-1], device=tokens.device) == at
    return torch.where(here, token.unsqueeze(-1), kept), score, *ends


def _searched(
    step: Step, states: tuple[Tensor, ...], lead: tuple[int, ...], like: Tensor, *,
    start: int, stop: int, limit: int, beam: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """All steps of a beam; `step` takes the last tokens (…, beam) and states (…, beam, u), all alike at first."""
    token = torch.full((*lead, beam), start, device=like.device)
    tokens, over = token.new_zeros((*token.shape, limit)), torch.zeros_like(token, dtype=torch.bool)
    score = like.new_full(token.shape, -torch.inf)
    score[..., :1] = 0
    states = tuple(s.unsqueeze(-2).expand(*s.shape[:-1], beam, s.shape[-1]) for s in states)
    for i in range(limit):
        *states_next, logits = step(token, *states)
        tokens, token, score, states = _kept(logits, tokens, score, over, tuple(states_next), stop=stop)
        tokens[..., i] = token
        over = token == stop
    return tokens, score


# fmt: off
def _lstm(
    E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor,
) -> Step:
    """A step of 003's decoder: states and scores."""
    def step(token: Tensor, s: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        x = F.embedding(token, E)
        s, c = recurrent.lstm_cell(x, s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
        return s, c, recurrent.readout(s, W_hy, b_y)
    return step


@implements("generation.lstm_beam_step", framework="torch", dtypes=DTYPES)
def lstm_beam_step(
    tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, c: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor,
    *, start: int, stop: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All hypotheses are one more batch axis of the cell."""
    step = _lstm(E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y)
    tokens, score, s, c = _stepped(step, tokens, length, score, (s, c), start=start, stop=stop)
    return tokens, score, s, c


@implements("generation.lstm_beam_decode", framework="torch", dtypes=DTYPES)
def lstm_beam_decode(
    s_0: Tensor, c_0: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Tensor, Tensor]:
    """Step by step, all hypotheses at once."""
    step = _lstm(E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y)
    return _searched(
        step, (s_0, c_0), s_0.shape[:-1], s_0, start=start, stop=stop, limit=limit, beam=beam
    )


def _bahdanau(
    h: Tensor, E: Tensor,
    W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
) -> Step:
    """A step of Bahdanau's decoder: state and scores. The source is read by every hypothesis."""
    def step(token: Tensor, s: Tensor) -> tuple[Tensor, ...]:
        y = F.embedding(token, E)
        s_next, c, _ = attention_rnn.bahdanau_step(
            y, s, h.unsqueeze(-3), W_a, U_a, v_a,
            W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
        )
        return s_next, seq2seq.maxout_logits(s, y, c, U_o, V_o, C_o, W_o)
    return step


@implements("generation.bahdanau_beam_step", framework="torch", dtypes=DTYPES)
def bahdanau_beam_step(
    tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, h: Tensor, E: Tensor,
    W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
    *, start: int, stop: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """All hypotheses are one more batch axis of the step."""
    step = _bahdanau(
        h, E, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
        U_o, V_o, C_o, W_o,
    )
    tokens, score, s = _stepped(step, tokens, length, score, (s,), start=start, stop=stop)
    return tokens, score, s


@implements("generation.bahdanau_beam_decode", framework="torch", dtypes=DTYPES)
def bahdanau_beam_decode(
    h: Tensor, E: Tensor, W_s: Tensor,
    W_a: Tensor, U_a: Tensor, v_a: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Tensor, Tensor]:
    """Step by step, all hypotheses at once."""
    step = _bahdanau(
        h, E, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
        U_o, V_o, C_o, W_o,
    )
    s_0 = torch.tanh(h[..., 0, W_s.shape[0] :] @ W_s)
    return _searched(
        step, (s_0,), s_0.shape[:-1], s_0, start=start, stop=stop, limit=limit, beam=beam
    )


def _gru(
    c: Tensor, E: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    W_o: Tensor, E_o: Tensor, C_o: Tensor, b: Tensor,
) -> Step:
    """A step of Cho's decoder: state and scores. The context is read by every hypothesis."""
    def step(token: Tensor, s: Tensor) -> tuple[Tensor, ...]:
        y, context = F.embedding(token, E), c.unsqueeze(-2)
        s = seq2seq.decoder_step_fixed_context(
            y, s, context, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
        )
        return s, s @ W_o + y @ E_o + context @ C_o + b
    return step


@implements("generation.gru_beam_step", framework="torch", dtypes=DTYPES)
def gru_beam_step(
    tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, c: Tensor, E: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    W_o: Tensor, E_o: Tensor, C_o: Tensor, b: Tensor,
    *, start: int, stop: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """All hypotheses are one more batch axis of the step."""
    step = _gru(c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b)
    tokens, score, s = _stepped(step, tokens, length, score, (s,), start=start, stop=stop)
    return tokens, score, s


@implements("generation.gru_beam_decode", framework="torch", dtypes=DTYPES)
def gru_beam_decode(
    c: Tensor, s_0: Tensor, E: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    W_o: Tensor, E_o: Tensor, C_o: Tensor, b: Tensor,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Tensor, Tensor]:
    """Step by step, all hypotheses at once."""
    step = _gru(c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b)
    return _searched(
        step, (s_0,), s_0.shape[:-1], s_0, start=start, stop=stop, limit=limit, beam=beam
    )


def _readout(
    h: Tensor, E: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
) -> Step:
    """A step of 002's decoder: state and scores. The source is read by every hypothesis."""
    def step(token: Tensor, s: Tensor) -> tuple[Tensor, ...]:
        y = F.embedding(token, E)
        return attention_rnn.readout_step(y, s, h.unsqueeze(-3), W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return step


@implements("generation.readout_beam_step", framework="torch", dtypes=DTYPES)
def readout_beam_step(
    tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, h: Tensor, E: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, start: int, stop: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """All hypotheses are one more batch axis of the step."""
    step = _readout(h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    tokens, score, s = _stepped(step, tokens, length, score, (s,), start=start, stop=stop)
    return tokens, score, s


@implements("generation.readout_beam_decode", framework="torch", dtypes=DTYPES)
def readout_beam_decode(
    s_0: Tensor, h: Tensor, E: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Tensor, Tensor]:
    """Step by step, all hypotheses at once."""
    step = _readout(h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return _searched(
        step, (s_0,), s_0.shape[:-1], s_0, start=start, stop=stop, limit=limit, beam=beam
    )


def _attentive(
    h: Tensor, E: Tensor,
    A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
) -> Step:
    """A step of 003's decoder with attention: state, context and scores. The source is read by every hypothesis."""
    def step(token: Tensor, s: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        s, c = attention_rnn.attentive_step(F.embedding(token, E), s, c, h.unsqueeze(-3), A, b, W_q, W_k)
        return s, c, recurrent.readout(s, W_o, b_o)
    return step


@implements("generation.attentive_beam_step", framework="torch", dtypes=DTYPES)
def attentive_beam_step(
    tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, c: Tensor, h: Tensor, E: Tensor,
    A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, start: int, stop: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All hypotheses are one more batch axis of the step."""
    step = _attentive(h, E, A, b, W_q, W_k, W_o, b_o)
    tokens, score, s, c = _stepped(step, tokens, length, score, (s, c), start=start, stop=stop)
    return tokens, score, s, c


@implements("generation.attentive_beam_decode", framework="torch", dtypes=DTYPES)
def attentive_beam_decode(
    h: Tensor, E: Tensor,
    A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor, W_o: Tensor, b_o: Tensor,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Tensor, Tensor]:
    """Step by step, all hypotheses at once, from the encoder's last state and what that reads."""
    step, s = _attentive(h, E, A, b, W_q, W_k, W_o, b_o), h[..., -1, :]
    c = attention_rnn.attended(s, h, W_q, W_k)
    return _searched(
        step, (s, c), s.shape[:-1], s, start=start, stop=stop, limit=limit, beam=beam
    )


def _rows(tokens: Tensor, z: Tensor, P: Tensor, *weights: Tensor, start: int, heads: int, eps: float) -> Tensor:
    """What the decoder makes of `start` and the tokens behind it, for each hypothesis where there are several."""
    first = tokens.new_full((*tokens.shape[:-1], 1), start)
    x = transformer.embed_scaled(torch.cat([first, tokens], dim=-1), P)
    return transformer.decoder_layer(x, z, *weights, heads=heads, eps=eps)


@implements("generation.transformer_next", framework="torch", dtypes=DTYPES)
def transformer_next(
    tokens: Tensor, length: Tensor, z: Tensor, P: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor, W: Tensor, b: Tensor,
    *, start: int, heads: int, eps: float,
) -> Tensor:
    """All places are decoded, and one row is read."""
    y = _rows(
        tokens, z, P,
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3,
        start=start, heads=heads, eps=eps,
    )
    return _at(y, length) @ W + b


def _at(y: Tensor, length: Tensor) -> Tensor:
    """The row of each example whose number is given."""
    return y.take_along_dim(length[..., None, None], dim=-2).squeeze(-2)


@implements("generation.transformer_greedy_decode", framework="torch", dtypes=DTYPES)
def transformer_greedy_decode(
    z: Tensor, P: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor, W: Tensor, b: Tensor,
    *, start: int, stop: int, limit: int, heads: int, eps: float,
) -> Tensor:
    """Each step decodes the tokens so far, of which the last row is read."""
    tokens = torch.zeros((*z.shape[:-2], limit), dtype=torch.long, device=z.device)
    for i in range(limit):
        y = _rows(
            tokens[..., :i], z, P,
            W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
            W_1, b_1, W_2, b_2, gamma_3, beta_3,
            start=start, heads=heads, eps=eps,
        )
        tokens[..., i] = (y[..., -1, :] @ W + b).argmax(dim=-1)
    return seq2seq.until_stop(tokens, stop=stop)


@implements("generation.transformer_sample_step", framework="torch", dtypes=DTYPES)
def transformer_sample_step(
    tokens: Tensor, length: Tensor, uniform: Tensor, z: Tensor, P: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor, W: Tensor, b: Tensor,
    *, start: int, heads: int, eps: float, tau: float,
) -> Tensor:
    """The scores of the next token; then one draw."""
    e = transformer_next(
        tokens, length, z, P,
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b,
        start=start, heads=heads, eps=eps,
    )
    return seq2seq.sample(seq2seq.temperature(e, tau=tau), uniform)


@implements("generation.transformer_sample_decode", framework="torch", dtypes=DTYPES)
def transformer_sample_decode(
    uniform: Tensor, z: Tensor, P: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor, W: Tensor, b: Tensor,
    *, start: int, stop: int, heads: int, eps: float, tau: float,
) -> Tensor:
    """Each step decodes the tokens so far, and draws from its last row with a number of its own."""
    tokens = torch.zeros(uniform.shape, dtype=torch.long, device=uniform.device)
    for i in range(uniform.shape[-1]):
        y = _rows(
            tokens[..., :i], z, P,
            W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
            W_1, b_1, W_2, b_2, gamma_3, beta_3,
            start=start, heads=heads, eps=eps,
        )
        p = seq2seq.temperature(y[..., -1, :] @ W + b, tau=tau)
        tokens[..., i] = seq2seq.sample(p, uniform[..., i])
    return seq2seq.until_stop(tokens, stop=stop)


@implements("generation.transformer_beam_step", framework="torch", dtypes=DTYPES)
def transformer_beam_step(
    tokens: Tensor, length: Tensor, score: Tensor, z: Tensor, P: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor, W: Tensor, b: Tensor,
    *, start: int, stop: int, heads: int, eps: float,
) -> tuple[Tensor, Tensor]:
    """All hypotheses are one more batch axis of the decoder, and of what the encoder gives."""
    y = _rows(
        tokens, z.unsqueeze(-3).expand(*tokens.shape[:-1], *z.shape[-2:]), P,
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3,
        start=start, heads=heads, eps=eps,
    )
    lengths = length.unsqueeze(-1).expand(score.shape)
    tokens, score = _stepped(
        lambda token: (_at(y, lengths) @ W + b,), tokens, length, score, (), start=start, stop=stop
    )
    return tokens, score


@implements("generation.transformer_beam_decode", framework="torch", dtypes=DTYPES)
def transformer_beam_decode(
    z: Tensor, P: Tensor,
    W_q_s: Tensor, W_k_s: Tensor, W_v_s: Tensor, W_o_s: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_q_c: Tensor, W_k_c: Tensor, W_v_c: Tensor, W_o_c: Tensor, gamma_2: Tensor, beta_2: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_3: Tensor, beta_3: Tensor, W: Tensor, b: Tensor,
    *, start: int, stop: int, limit: int, beam: int, heads: int, eps: float,
) -> tuple[Tensor, Tensor]:
    """Each step decodes the tokens so far of all hypotheses, of which the last rows are read."""
    tokens = torch.zeros((*z.shape[:-2], beam, limit), dtype=torch.long, device=z.device)
    score = z.new_full(tokens.shape[:-1], -torch.inf)
    score[..., :1] = 0
    over = torch.zeros_like(score, dtype=torch.bool)
    every = z.unsqueeze(-3).expand(*tokens.shape[:-1], *z.shape[-2:])
    for i in range(limit):
        y = _rows(
            tokens[..., :i], every, P,
            W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
            W_1, b_1, W_2, b_2, gamma_3, beta_3,
            start=start, heads=heads, eps=eps,
        )
        tokens, token, score, _ = _kept(y[..., -1, :] @ W + b, tokens, score, over, (), stop=stop)
        tokens[..., i] = token
        over = token == stop
    return tokens, score
# fmt: on
