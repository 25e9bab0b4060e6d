"""Generating with a beam: one stable sort a step; states and tokens are gathered by the hypothesis that goes on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from attnspec import implements
from attnspec_numpy import attention_rnn, recurrent, seq2seq, transformer
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single

Step = Callable[..., tuple[Array, ...]]


def _log_softmax(logits: Array) -> Array:
    shifted: Array = logits - logits.max(axis=-1, keepdims=True, initial=-np.inf)
    log_p: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_p


@implements("generation.beam_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def beam_step(log_p: Array, score: Array, over: Array, *, stop: int) -> tuple[Array, Array, Array]:
    """A stable sort of all continuations, so that the first of equals stays first."""
    beam, v = log_p.shape[-2:]
    ended = np.where(np.arange(v) == stop, log_p.dtype.type(0), log_p.dtype.type(-np.inf))
    total = (score[..., None] + np.where(over[..., None] > 0, ended, log_p)).reshape(*score.shape[:-1], beam * v)
    place = np.argsort(-total, axis=-1, kind="stable")[..., :beam]
    return np.take_along_axis(total, place, axis=-1), place // v, place % v


def _gathered(a: Array, parent: Array) -> Array:
    """The rows of an array (…, beam, any) that belong to some hypotheses (…, beam)."""
    return np.take_along_axis(a, parent[..., None], axis=-2)


def _kept(
    logits: Array, tokens: Array, score: Array, over: Array, states: tuple[Array, ...], *, stop: int
) -> tuple[Array, Array, Array, tuple[Array, ...]]:
    """The tokens of the hypotheses that are kept, before the new one; the new one; their scores and states."""
    score, parent, token = beam_step(_log_softmax(logits), score, over, stop=stop)
    return _gathered(tokens, parent), token, score, tuple(_gathered(s, parent) for s in states)


def _stepped(
    step: Step, tokens: Array, length: Array, score: Array, states: tuple[Array, ...], *, start: int, stop: int
) -> tuple[Array, ...]:
    """One step of a beam of which `length` tokens exist, of each example so many."""
    limit = tokens.shape[-1]
    at = np.broadcast_to(length[..., None, None], (*tokens.shape[:-1], 1))
    last = np.take_along_axis(tokens, np.maximum(at - 1, 0), axis=-1)[..., 0]
    some = length[..., None] > 0
    *states_next, logits = step(np.where(some, last, start), *states)
    kept, token, score, ends = _kept(logits, tokens, score, (last == stop) & some, tuple(states_next), stop=stop)
    return np.where(np.arange(limit) == at, token[..., None], kept), score, *ends


def _searched(
    step: Step, states: tuple[Array, ...], lead: tuple[int, ...], dtype: np.dtype[np.floating], *,
    start: int, stop: int, limit: int, beam: int,
) -> tuple[Array, Array]:  # fmt: skip
    """All steps of a beam; `step` takes the last tokens (…, beam) and states (…, beam, u), all alike at first."""
    token = np.full((*lead, beam), start)
    tokens, over = np.zeros((*lead, beam, limit), dtype=token.dtype), np.zeros(token.shape, dtype=bool)
    score = np.full(token.shape, -np.inf, dtype=dtype)
    score[..., :1] = 0
    states = tuple(np.repeat(s[..., None, :], beam, axis=-2) for s in states)
    for i in range(limit):
        *states_next, logits = step(token, *states)
        tokens, token, score, states = _kept(logits, tokens, score, over, tuple(states_next), stop=stop)
        tokens[..., i] = token
        over = token == stop
    return tokens, score


# fmt: off
def _lstm(
    E: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array,
) -> Step:
    """A step of 003's decoder: states and scores."""
    def step(token: Array, s: Array, c: Array) -> tuple[Array, ...]:
        x = E[token]
        s, c = recurrent.lstm_cell(x, s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
        return s, c, recurrent.readout(s, W_hy, b_y)
    return step


@implements("generation.lstm_beam_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm_beam_step(
    tokens: Array, length: Array, score: Array, s: Array, c: Array, E: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array,
    *, start: int, stop: int,
) -> tuple[Array, Array, Array, Array]:
    """All hypotheses are one more batch axis of the cell."""
    step = _lstm(E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y)
    tokens, score, s, c = _stepped(step, tokens, length, score, (s, c), start=start, stop=stop)
    return tokens, score, s, c


@implements("generation.lstm_beam_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm_beam_decode(
    s_0: Array, c_0: Array, E: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Array, Array]:
    """Step by step, all hypotheses at once."""
    step = _lstm(E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y)
    return _searched(
        step, (s_0, c_0), s_0.shape[:-1], s_0.dtype, start=start, stop=stop, limit=limit, beam=beam
    )


def _bahdanau(
    h: Array, E: Array,
    W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
) -> Step:
    """A step of Bahdanau's decoder: state and scores. The source is read by every hypothesis."""
    def step(token: Array, s: Array) -> tuple[Array, ...]:
        y = E[token]
        s_next, c, _ = attention_rnn.bahdanau_step(
            y, s, h[..., None, :, :], W_a, U_a, v_a,
            W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
        )
        return s_next, seq2seq.maxout_logits(s, y, c, U_o, V_o, C_o, W_o)
    return step


@implements("generation.bahdanau_beam_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_beam_step(
    tokens: Array, length: Array, score: Array, s: Array, h: Array, E: Array,
    W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
    *, start: int, stop: int,
) -> tuple[Array, Array, Array]:
    """All hypotheses are one more batch axis of the step."""
    step = _bahdanau(
        h, E, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
        U_o, V_o, C_o, W_o,
    )
    tokens, score, s = _stepped(step, tokens, length, score, (s,), start=start, stop=stop)
    return tokens, score, s


@implements("generation.bahdanau_beam_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bahdanau_beam_decode(
    h: Array, E: Array, W_s: Array,
    W_a: Array, U_a: Array, v_a: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    U_o: Array, V_o: Array, C_o: Array, W_o: Array,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Array, Array]:
    """Step by step, all hypotheses at once."""
    step = _bahdanau(
        h, E, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
        U_o, V_o, C_o, W_o,
    )
    s_0 = np.tanh(h[..., 0, W_s.shape[0] :] @ W_s)
    return _searched(
        step, (s_0,), s_0.shape[:-1], s_0.dtype, start=start, stop=stop, limit=limit, beam=beam
    )


def _gru(
    c: Array, E: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    W_o: Array, E_o: Array, C_o: Array, b: Array,
) -> Step:
    """A step of Cho's decoder: state and scores. The context is read by every hypothesis."""
    def step(token: Array, s: Array) -> tuple[Array, ...]:
        y, context = E[token], c[..., None, :]
        s = seq2seq.decoder_step_fixed_context(
            y, s, context, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
        )
        return s, s @ W_o + y @ E_o + context @ C_o + b
    return step


@implements("generation.gru_beam_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_beam_step(
    tokens: Array, length: Array, score: Array, s: Array, c: Array, E: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    W_o: Array, E_o: Array, C_o: Array, b: Array,
    *, start: int, stop: int,
) -> tuple[Array, Array, Array]:
    """All hypotheses are one more batch axis of the step."""
    step = _gru(c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b)
    tokens, score, s = _stepped(step, tokens, length, score, (s,), start=start, stop=stop)
    return tokens, score, s


@implements("generation.gru_beam_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_beam_decode(
    c: Array, s_0: Array, E: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    W_o: Array, E_o: Array, C_o: Array, b: Array,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Array, Array]:
    """Step by step, all hypotheses at once."""
    step = _gru(c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b)
    return _searched(
        step, (s_0,), s_0.shape[:-1], s_0.dtype, start=start, stop=stop, limit=limit, beam=beam
    )


def _readout(
    h: Array, E: Array,
    W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
) -> Step:
    """A step of 002's decoder: state and scores. The source is read by every hypothesis."""
    def step(token: Array, s: Array) -> tuple[Array, ...]:
        return attention_rnn.readout_step(E[token], s, h[..., None, :, :], W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return step


@implements("generation.readout_beam_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout_beam_step(
    tokens: Array, length: Array, score: Array, s: Array, h: Array, E: Array,
    W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, start: int, stop: int,
) -> tuple[Array, Array, Array]:
    """All hypotheses are one more batch axis of the step."""
    step = _readout(h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    tokens, score, s = _stepped(step, tokens, length, score, (s,), start=start, stop=stop)
    return tokens, score, s


@implements("generation.readout_beam_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def readout_beam_decode(
    s_0: Array, h: Array, E: Array,
    W_xh: Array, W_hh: Array, b_h: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Array, Array]:
    """Step by step, all hypotheses at once."""
    step = _readout(h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return _searched(
        step, (s_0,), s_0.shape[:-1], s_0.dtype, start=start, stop=stop, limit=limit, beam=beam
    )


def _attentive(
    h: Array, E: Array,
    A: Array, b: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
) -> Step:
    """A step of 003's decoder with attention: state, context and scores. The source is read by every hypothesis."""
    def step(token: Array, s: Array, c: Array) -> tuple[Array, ...]:
        s, c = attention_rnn.attentive_step(E[token], s, c, h[..., None, :, :], A, b, W_q, W_k)
        return s, c, recurrent.readout(s, W_o, b_o)
    return step


@implements("generation.attentive_beam_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_beam_step(
    tokens: Array, length: Array, score: Array, s: Array, c: Array, h: Array, E: Array,
    A: Array, b: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, start: int, stop: int,
) -> tuple[Array, Array, Array, Array]:
    """All hypotheses are one more batch axis of the step."""
    step = _attentive(h, E, A, b, W_q, W_k, W_o, b_o)
    tokens, score, s, c = _stepped(step, tokens, length, score, (s, c), start=start, stop=stop)
    return tokens, score, s, c


@implements("generation.attentive_beam_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attentive_beam_decode(
    h: Array, E: Array,
    A: Array, b: Array, W_q: Array, W_k: Array, W_o: Array, b_o: Array,
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Array, Array]:
    """Step by step, all hypotheses at once, from the encoder's last state and what that reads."""
    step, s = _attentive(h, E, A, b, W_q, W_k, W_o, b_o), h[..., -1, :]
    c = attention_rnn.attended(s, h, W_q, W_k)
    return _searched(
        step, (s, c), s.shape[:-1], s.dtype, start=start, stop=stop, limit=limit, beam=beam
    )


def _rows(tokens: Array, z: Array, P: Array, *weights: Array, start: int, heads: int, eps: float) -> Array:
    """What the decoder makes of `start` and the tokens behind it, for each hypothesis where there are several."""
    first = np.full((*tokens.shape[:-1], 1), start, dtype=tokens.dtype)
    x = transformer.embed_scaled(np.concatenate([first, tokens], axis=-1), P)
    return transformer.decoder_layer(x, z, *weights, heads=heads, eps=eps)


@implements("generation.transformer_next", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def transformer_next(
    tokens: Array, length: Array, z: Array, P: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array, W: Array, b: Array,
    *, start: int, heads: int, eps: float,
) -> Array:
    """All places are decoded, and one row is read."""
    y = _rows(
        tokens, z, P,
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3,
        start=start, heads=heads, eps=eps,
    )
    return _at(y, length) @ W + b


def _at(y: Array, length: Array) -> Array:
    """The row of each example whose number is given."""
    return np.take_along_axis(y, length[..., None, None], axis=-2)[..., 0, :]


@implements("generation.transformer_greedy_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def transformer_greedy_decode(
    z: Array, P: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array, W: Array, b: Array,
    *, start: int, stop: int, limit: int, heads: int, eps: float,
) -> Array:
    """Each step decodes the tokens so far, of which the last row is read."""
    tokens = np.zeros((*z.shape[:-2], limit), dtype=np.int64)
    for i in range(limit):
        y = _rows(
            tokens[..., :i], z, P,
            W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
            W_1, b_1, W_2, b_2, gamma_3, beta_3,
            start=start, heads=heads, eps=eps,
        )
        tokens[..., i] = (y[..., -1, :] @ W + b).argmax(axis=-1)
    return seq2seq.until_stop(tokens, stop=stop)


@implements("generation.transformer_sample_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def transformer_sample_step(
    tokens: Array, length: Array, uniform: Array, z: Array, P: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array, W: Array, b: Array,
    *, start: int, heads: int, eps: float, tau: float,
) -> Array:
    """The scores of the next token; then one draw."""
    e = transformer_next(
        tokens, length, z, P,
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b,
        start=start, heads=heads, eps=eps,
    )
    return seq2seq.sample(seq2seq.temperature(e, tau=tau), uniform)


@implements("generation.transformer_sample_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def transformer_sample_decode(
    uniform: Array, z: Array, P: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array, W: Array, b: Array,
    *, start: int, stop: int, heads: int, eps: float, tau: float,
) -> Array:
    """Each step decodes the tokens so far, and draws from its last row with a number of its own."""
    tokens = np.zeros(uniform.shape, dtype=np.int64)
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


@implements("generation.transformer_beam_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def transformer_beam_step(
    tokens: Array, length: Array, score: Array, z: Array, P: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array, W: Array, b: Array,
    *, start: int, stop: int, heads: int, eps: float,
) -> tuple[Array, Array]:
    """All hypotheses are one more batch axis of the decoder, and of what the encoder gives."""
    y = _rows(
        tokens, np.broadcast_to(z[..., None, :, :], (*tokens.shape[:-1], *z.shape[-2:])), P,
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3,
        start=start, heads=heads, eps=eps,
    )
    lengths = np.broadcast_to(length[..., None], score.shape)
    tokens, score = _stepped(
        lambda token: (_at(y, lengths) @ W + b,), tokens, length, score, (), start=start, stop=stop
    )
    return tokens, score


@implements("generation.transformer_beam_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def transformer_beam_decode(
    z: Array, P: Array,
    W_q_s: Array, W_k_s: Array, W_v_s: Array, W_o_s: Array, gamma_1: Array, beta_1: Array,
    W_q_c: Array, W_k_c: Array, W_v_c: Array, W_o_c: Array, gamma_2: Array, beta_2: Array,
    W_1: Array, b_1: Array, W_2: Array, b_2: Array, gamma_3: Array, beta_3: Array, W: Array, b: Array,
    *, start: int, stop: int, limit: int, beam: int, heads: int, eps: float,
) -> tuple[Array, Array]:
    """Each step decodes the tokens so far of all hypotheses, of which the last rows are read."""
    tokens = np.zeros((*z.shape[:-2], beam, limit), dtype=np.int64)
    score = np.full(tokens.shape[:-1], -np.inf, dtype=z.dtype)
    score[..., :1] = 0
    over = np.zeros(score.shape, dtype=bool)
    every = np.broadcast_to(z[..., None, :, :], (*tokens.shape[:-1], *z.shape[-2:]))
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
