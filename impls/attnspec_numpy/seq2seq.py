"""Sequence to sequence: the encoder's context, a decoder that reads it, its distribution and losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from attnspec import implements
from attnspec_numpy import recurrent
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single, sigmoid, softmax


# fmt: off
@implements("seq2seq.encode_gru", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encode_gru(
    x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:
    """recurrent.gru; its last row once more."""
    h = recurrent.gru(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    return h, h[..., -1, :].copy()


@implements("seq2seq.encode_simple_rnn", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encode_simple_rnn(
    x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, Array]:
    """recurrent.simple_rnn; its last row once more."""
    h = recurrent.simple_rnn(x, h_0, W_xh, W_hh, b_h)
    return h, h[..., -1, :].copy()


@implements("seq2seq.encode_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encode_lstm(
    x: Array, h_0: Array, c_0: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, Array, Array]:
    """recurrent.lstm; its last row once more."""
    h, c = recurrent.lstm(
        x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
    )
    return h, h[..., -1, :].copy(), c


@implements("seq2seq.encode_bidirectional", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encode_bidirectional(
    x: Array,
    W_xr_f: Array, W_hr_f: Array, b_r_f: Array,
    W_xz_f: Array, W_hz_f: Array, b_z_f: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array,
    W_xr_b: Array, W_hr_b: Array, b_r_b: Array,
    W_xz_b: Array, W_hz_b: Array, b_z_b: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array,
) -> tuple[Array, Array]:
    """recurrent.bidirectional_gru; the rows where its halves end."""
    h = recurrent.bidirectional_gru(
        x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
        W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
    )
    return h, recurrent.bidirectional_feature(h)


@implements("seq2seq.encode_bidirectional_update_writes", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def encode_bidirectional_update_writes(
    x: Array,
    W_xr_f: Array, W_hr_f: Array, b_r_f: Array,
    W_xz_f: Array, W_hz_f: Array, b_z_f: Array,
    W_xh_f: Array, W_hh_f: Array, b_h_f: Array,
    W_xr_b: Array, W_hr_b: Array, b_r_b: Array,
    W_xz_b: Array, W_hz_b: Array, b_z_b: Array,
    W_xh_b: Array, W_hh_b: Array, b_h_b: Array,
) -> tuple[Array, Array]:
    """recurrent.bidirectional_gru_update_writes; the rows where its halves end."""
    h = recurrent.bidirectional_gru_update_writes(
        x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
        W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
    )
    return h, recurrent.bidirectional_feature(h)
# fmt: on


@implements("seq2seq.context_last", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def context_last(h: Array) -> Array:
    """A copy, so that the other states can be let go."""
    return h[..., -1, :].copy()


@implements("seq2seq.context_transform", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def context_transform(h: Array, V: Array) -> Array:
    """One product, of the last state alone."""
    return decoder_start(h[..., -1, :], V)


@implements("seq2seq.context_mean", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def context_mean(h: Array) -> Array:
    """One sum."""
    return cast(Array, h.mean(axis=-2))


@implements("seq2seq.context_learned_query", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def context_learned_query(h: Array, w: Array) -> Array:
    """The scores are one product, and so is the sum."""
    e = h @ w
    return (softmax(e, out=e)[..., None, :] @ h)[..., 0, :]


@implements("seq2seq.decoder_start", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_start(c: Array, V: Array) -> Array:
    """One product."""
    return cast(Array, np.tanh(c @ V))


@implements("seq2seq.decoder_start_copy", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def decoder_start_copy(h: Array) -> Array:
    """A copy, which the decoder may overwrite."""
    return h[..., -1, :].copy()


# fmt: off
@implements("seq2seq.decoder_step_fixed_context", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_step_fixed_context(
    y: Array, s: Array, c: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
) -> Array:
    """Each of y, s and c is one product with the weights of r, z and the candidate, packed in that order."""
    u = s.shape[-1]
    side = y @ _packed(W_xr, W_xz, W_xh) + _packed(b_r, b_z, b_h)
    own = s @ _packed(W_hr, W_hz, W_hh) + c @ _packed(C_r, C_z, C_h)
    rz = sigmoid(side[..., : 2 * u] + own[..., : 2 * u])
    r, z = rz[..., :u], rz[..., u:]
    s_tilde = np.tanh(side[..., 2 * u :] + r * own[..., 2 * u :])
    return cast(Array, s_tilde + z * (s - s_tilde))


@implements("seq2seq.decoder_step_context_outside", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def decoder_step_context_outside(
    y: Array, s: Array, c: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
) -> Array:
    """recurrent.gru_cell on [y; c]."""
    x = np.concatenate([y, c], axis=-1)
    stacked = (np.concatenate(pair) for pair in ((W_xr, C_r), (W_xz, C_z), (W_xh, C_h)))
    X_r, X_z, X_h = stacked
    return recurrent.gru_cell(x, s, X_r, W_hr, b_r, X_z, W_hz, b_z, X_h, W_hh, b_h)
# fmt: on


@implements("seq2seq.output_distribution", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def output_distribution(s: Array, y: Array, c: Array, W_o: Array, E_o: Array, C_o: Array, b: Array) -> Array:
    """Three products; the softmax works in place."""
    logits = s @ W_o + y @ E_o + c @ C_o + b
    return softmax(logits, out=logits)


@implements("seq2seq.output_maxout", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def output_maxout(s: Array, y: Array, c: Array, U_o: Array, V_o: Array, C_o: Array, W_o: Array) -> Array:
    """The softmax of maxout_logits, in place."""
    logits = maxout_logits(s, y, c, U_o, V_o, C_o, W_o)
    return softmax(logits, out=logits)


def maxout_logits(s: Array, y: Array, c: Array, U_o: Array, V_o: Array, C_o: Array, W_o: Array) -> Array:
    """Neighbouring columns, two by two, are an axis of their own, over which the largest is taken."""
    t = s @ U_o + y @ V_o + c @ C_o
    logits: Array = t.reshape(*t.shape[:-1], W_o.shape[0], 2).max(axis=-1) @ W_o
    return logits


@implements("seq2seq.temperature", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def temperature(logits: Array, *, tau: float) -> Array:
    """The logits are scaled, then a softmax in place."""
    e = logits / tau
    return softmax(e, out=e)


@implements("seq2seq.temperature_probs", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def temperature_probs(p: Array, *, tau: float) -> Array:
    """Powers of the shares of the largest, so that a small tau cannot make all of them 0."""
    powers = (p / p.max(axis=-1, keepdims=True)) ** (1 / tau)
    powers /= powers.sum(axis=-1, keepdims=True)
    return cast(Array, powers)


@implements("seq2seq.cross_entropy_probs", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def cross_entropy_probs(p: Array, y: Array) -> Array:
    """Words that y leaves out are kept away from the logarithm; a word of y at p = 0 costs infinitely much."""
    counts = y > 0
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(counts, p, p.dtype.type(1)))
    return np.asarray(-(y * logs).sum(axis=-1))


@implements("seq2seq.distillation", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def distillation(p_teacher: Array, p_student: Array) -> Array:
    """Cross-entropy with the teacher's distribution for the true one."""
    return cross_entropy_probs(p_student, p_teacher)


@implements("seq2seq.distillation_logits", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def distillation_logits(logits_teacher: Array, logits_student: Array, *, tau: float) -> Array:
    """The student's logarithms are made of its logits, not of rounded probabilities."""
    soft = logits_student / tau
    soft -= soft.max(axis=-1, keepdims=True)
    logs = soft - np.log(np.exp(soft).sum(axis=-1, keepdims=True))
    return np.asarray(-(temperature(logits_teacher, tau=tau) * logs).sum(axis=-1))


@implements("seq2seq.cross_entropy", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def cross_entropy(logits: Array, target: Array) -> Array:
    """The largest logit is taken off first: two large numbers have no digits left for their difference."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(shifted).sum(axis=-1)) - _at(shifted, target))


@implements("seq2seq.sequence_loss", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def sequence_loss(logits: Array, target: Array, valid: Array) -> Array:
    """The losses of what counts, summed, over how many count."""
    loss = cross_entropy(logits, target)
    count = valid.sum(axis=-1).astype(loss.dtype)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(valid, loss, loss.dtype.type(0)).sum(axis=-1) / count)


@implements("seq2seq.perplexity", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def perplexity(logits: Array, target: Array, valid: Array) -> Array:
    """The exponential of the loss, which may be beyond the range."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(sequence_loss(logits, target, valid)))


@implements("seq2seq.sample", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def sample(p: Array, uniform: Array) -> Array:
    """How many cumulated probabilities the number reaches; at most all but the last."""
    reached = (p.cumsum(axis=-1) <= uniform[..., None]).sum(axis=-1)
    return np.asarray(np.minimum(reached, p.shape[-1] - 1))


@implements("seq2seq.until_stop", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def until_stop(token: Array, *, stop: int) -> Array:
    """Whether `stop` was generated is carried along the sequence."""
    over = np.logical_or.accumulate(token == stop, axis=-1)
    return np.where(over, token.dtype.type(stop), token)


def generated(
    step: Callable[..., tuple[Array, ...]], states: tuple[Array, ...], *, start: int, stop: int, count: int
) -> Array:
    """The tokens of a step that reads the one before, after its number: everything begins as `stop`.

    The loop ends as soon as every example has generated `stop`.
    """
    lead = states[0].shape[:-1]
    token, tokens, over = np.full(lead, start), np.full((*lead, count), stop), np.zeros(lead, dtype=bool)
    for i in range(count):
        *states_next, token = step(i, token, *states)
        states = tuple(states_next)
        tokens[..., i] = np.where(over, stop, token)
        over = over | (token == stop)
        if over.all():
            break
    return tokens


# fmt: off
@implements("seq2seq.teacher_forced", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def teacher_forced(
    target: Array, c: Array, s_0: Array, E: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    W_o: Array, E_o: Array, C_o: Array, b: Array, *, start: int,
) -> tuple[Array, Array]:
    """The words are known, so that only the states need a loop; the distributions are made of all at once."""
    y = E[np.concatenate([np.full_like(target[..., :1], start), target[..., :-1]], axis=-1)]
    s, states = s_0, np.empty((*target.shape, s_0.shape[-1]), dtype=s_0.dtype)
    for i in range(target.shape[-1]):
        s = decoder_step_fixed_context(
            y[..., i, :], s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
        )
        states[..., i, :] = s
    return output_distribution(states, y, c[..., None, :], W_o, E_o, C_o, b), states


@implements("seq2seq.greedy_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def greedy_step(
    token: Array, s: Array, c: Array, E: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    W_o: Array, E_o: Array, C_o: Array, b: Array,
) -> tuple[Array, Array]:
    """No softmax: it would not change which is the largest."""
    y = E[token]
    s = decoder_step_fixed_context(y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h)
    logits = s @ W_o + y @ E_o + c @ C_o + b
    return s, np.asarray(logits.argmax(axis=-1))


@implements("seq2seq.greedy_decode", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def greedy_decode(
    c: Array, s_0: Array, E: Array,
    W_xr: Array, W_hr: Array, C_r: Array, b_r: Array,
    W_xz: Array, W_hz: Array, C_z: Array, b_z: Array,
    W_xh: Array, W_hh: Array, C_h: Array, b_h: Array,
    W_o: Array, E_o: Array, C_o: Array, b: Array, *, start: int, stop: int, limit: int,
) -> Array:
    """Step by step."""
    weights = (
        c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
    )
    return generated(
        lambda i, token, s: greedy_step(token, s, *weights), (s_0,), start=start, stop=stop, count=limit
    )


@implements("seq2seq.teacher_forced_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def teacher_forced_lstm(
    target: Array, s_0: Array, c_0: Array, E: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array,
    *, start: int,
) -> tuple[Array, Array]:
    """recurrent.lstm over the tokens before; the distributions of all steps are one product."""
    x = E[np.concatenate([np.full_like(target[..., :1], start), target[..., :-1]], axis=-1)]
    s, _ = recurrent.lstm(x, s_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    logits = recurrent.readout(s, W_hy, b_y)
    return softmax(logits, out=logits), s


@implements("seq2seq.translator_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def translator_lstm(
    x: Array, target: Array, E: Array,
    W_xi_e: Array, W_hi_e: Array, b_i_e: Array,
    W_xf_e: Array, W_hf_e: Array, b_f_e: Array,
    W_xg_e: Array, W_hg_e: Array, b_g_e: Array,
    W_xo_e: Array, W_ho_e: Array, b_o_e: Array,
    W_xi_d: Array, W_hi_d: Array, b_i_d: Array,
    W_xf_d: Array, W_hf_d: Array, b_f_d: Array,
    W_xg_d: Array, W_hg_d: Array, b_g_d: Array,
    W_xo_d: Array, W_ho_d: Array, b_o_d: Array,
    W_hy: Array, b_y: Array, *, start: int,
) -> Array:
    """encode_lstm, of which the last states alone are kept; then teacher_forced_lstm."""
    zero = np.zeros((*x.shape[:-2], b_i_e.shape[0]), dtype=x.dtype)
    _, s_0, c_0 = encode_lstm(
        x, zero, zero, W_xi_e, W_hi_e, b_i_e, W_xf_e, W_hf_e, b_f_e, W_xg_e, W_hg_e, b_g_e, W_xo_e, W_ho_e, b_o_e
    )
    p, _ = teacher_forced_lstm(
        target, s_0, c_0, E, W_xi_d, W_hi_d, b_i_d, W_xf_d, W_hf_d, b_f_d, W_xg_d, W_hg_d, b_g_d, W_xo_d, W_ho_d, b_o_d,
        W_hy, b_y, start=start,
    )
    return p


@implements("seq2seq.greedy_step_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def greedy_step_lstm(
    token: Array, s: Array, c: Array, E: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array,
) -> tuple[Array, Array, Array]:
    """recurrent.lstm_cell on the token's row; no softmax, which would not change which is the largest."""
    s, c = recurrent.lstm_cell(E[token], s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return s, c, np.asarray(recurrent.readout(s, W_hy, b_y).argmax(axis=-1))


@implements("seq2seq.greedy_decode_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def greedy_decode_lstm(
    s_0: Array, c_0: Array, E: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array,
    *, start: int, stop: int, limit: int,
) -> Array:
    """Step by step."""
    weights = (E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y)
    return generated(
        lambda i, token, s, c: greedy_step_lstm(token, s, c, *weights), (s_0, c_0), start=start, stop=stop, count=limit
    )


@implements("seq2seq.sample_step_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def sample_step_lstm(
    token: Array, uniform: Array, s: Array, c: Array, E: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array,
    *, tau: float,
) -> tuple[Array, Array, Array]:
    """recurrent.lstm_cell on the token's row; then one draw."""
    s, c = recurrent.lstm_cell(E[token], s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return s, c, sample(temperature(recurrent.readout(s, W_hy, b_y), tau=tau), uniform)


@implements("seq2seq.sample_decode_lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def sample_decode_lstm(
    uniform: Array, s_0: Array, c_0: Array, E: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array,
    *, start: int, stop: int, tau: float,
) -> Array:
    """Step by step, a number each."""
    weights = (E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y)
    return generated(
        lambda i, token, s, c: sample_step_lstm(token, uniform[..., i], s, c, *weights, tau=tau),
        (s_0, c_0), start=start, stop=stop, count=uniform.shape[-1],
    )


@implements("seq2seq.generate_window_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def generate_window_step(
    window: Array, uniform: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array, *, tau: float,
) -> Array:
    """One token at a time is read; what is drawn is put behind all but the first."""
    v, u = W_xi.shape
    x = np.eye(v, dtype=W_xi.dtype)[window]
    h_0 = np.zeros((*window.shape[:-1], u), dtype=W_xi.dtype)
    h, _ = recurrent.lstm(x, h_0, h_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    p = temperature(recurrent.readout(h[..., -1, :], W_hy, b_y), tau=tau)
    return np.concatenate([window[..., 1:], sample(p, uniform)[..., None]], axis=-1)


@implements("seq2seq.generate_window", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def generate_window(
    seed: Array, uniform: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
    W_hy: Array, b_y: Array, *, tau: float,
) -> tuple[Array, Array]:
    """The text is kept whole; the window is what stands at its end."""
    w, n = seed.shape[-1], uniform.shape[-1]
    text = np.concatenate([seed, np.zeros(uniform.shape, dtype=seed.dtype)], axis=-1)
    for i in range(n):
        text[..., i + 1 : i + 1 + w] = generate_window_step(
            text[..., i : i + w], uniform[..., i],
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
        )
    return text[..., w:], text[..., n:].copy()
# fmt: on


def _at(a: Array, places: Array) -> Array:
    """What stands along the last axis where whole numbers say."""
    return np.take_along_axis(a, places[..., None], axis=-1)[..., 0]


def _packed(*gates: Array) -> Array:
    return np.concatenate(gates, axis=-1)
