"""Sequence to sequence: the encoder's context, a decoder that reads it, its distribution and losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from attnspec import implements
from attnspec_torch import recurrent
from attnspec_torch._functions import DTYPES


# fmt: off
@implements("seq2seq.encode_gru", framework="torch", dtypes=DTYPES)
def encode_gru(
    x: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor]:
    """recurrent.gru; its last row once more."""
    h = recurrent.gru(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    return h, h[..., -1, :].clone()


@implements("seq2seq.encode_simple_rnn", framework="torch", dtypes=DTYPES)
def encode_simple_rnn(
    x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor]:
    """recurrent.simple_rnn; its last row once more."""
    h = recurrent.simple_rnn(x, h_0, W_xh, W_hh, b_h)
    return h, h[..., -1, :].clone()


@implements("seq2seq.encode_lstm", framework="torch", dtypes=DTYPES)
def encode_lstm(
    x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """recurrent.lstm; its last row once more."""
    h, c = recurrent.lstm(
        x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
    )
    return h, h[..., -1, :].clone(), c


@implements("seq2seq.encode_bidirectional", framework="torch", dtypes=DTYPES)
def encode_bidirectional(
    x: Tensor,
    W_xr_f: Tensor, W_hr_f: Tensor, b_r_f: Tensor,
    W_xz_f: Tensor, W_hz_f: Tensor, b_z_f: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor,
    W_xr_b: Tensor, W_hr_b: Tensor, b_r_b: Tensor,
    W_xz_b: Tensor, W_hz_b: Tensor, b_z_b: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor,
) -> tuple[Tensor, Tensor]:
    """recurrent.bidirectional_gru; the rows where its halves end."""
    h = recurrent.bidirectional_gru(
        x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
        W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
    )
    return h, recurrent.bidirectional_feature(h)


@implements("seq2seq.encode_bidirectional_update_writes", framework="torch", dtypes=DTYPES)
def encode_bidirectional_update_writes(
    x: Tensor,
    W_xr_f: Tensor, W_hr_f: Tensor, b_r_f: Tensor,
    W_xz_f: Tensor, W_hz_f: Tensor, b_z_f: Tensor,
    W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor,
    W_xr_b: Tensor, W_hr_b: Tensor, b_r_b: Tensor,
    W_xz_b: Tensor, W_hz_b: Tensor, b_z_b: Tensor,
    W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor,
) -> tuple[Tensor, Tensor]:
    """recurrent.bidirectional_gru_update_writes; the rows where its halves end."""
    h = recurrent.bidirectional_gru_update_writes(
        x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
        W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
    )
    return h, recurrent.bidirectional_feature(h)
# fmt: on


@implements("seq2seq.context_last", framework="torch", dtypes=DTYPES)
def context_last(h: Tensor) -> Tensor:
    """A copy, so that the other states can be let go."""
    return h[..., -1, :].clone()


@implements("seq2seq.context_transform", framework="torch", dtypes=DTYPES)
def context_transform(h: Tensor, V: Tensor) -> Tensor:
    """One product, of the last state alone."""
    return decoder_start(h[..., -1, :], V)


@implements("seq2seq.context_mean", framework="torch", dtypes=DTYPES)
def context_mean(h: Tensor) -> Tensor:
    """One sum, in float32 for the half types."""
    return h.mean(dim=-2)


@implements("seq2seq.context_learned_query", framework="torch", dtypes=DTYPES)
def context_learned_query(h: Tensor, w: Tensor) -> Tensor:
    """The scores are one product, and so is the sum."""
    alpha = (h @ w).softmax(dim=-1)
    return (alpha.unsqueeze(-2) @ h).squeeze(-2)


@implements("seq2seq.decoder_start", framework="torch", dtypes=DTYPES)
def decoder_start(c: Tensor, V: Tensor) -> Tensor:
    """One product."""
    return torch.tanh(c @ V)


@implements("seq2seq.decoder_start_copy", framework="torch", dtypes=DTYPES)
def decoder_start_copy(h: Tensor) -> Tensor:
    """A copy, which the decoder may overwrite."""
    return h[..., -1, :].clone()


# fmt: off
@implements("seq2seq.decoder_step_fixed_context", framework="torch", dtypes=DTYPES)
def decoder_step_fixed_context(
    y: Tensor, s: Tensor, c: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
) -> Tensor:
    """Each of y, s and c is one product with the weights of r, z and the candidate, packed in that order."""
    u = s.shape[-1]
    side = F.linear(y, _packed(W_xr, W_xz, W_xh).mT, _packed(b_r, b_z, b_h))
    own = s @ _packed(W_hr, W_hz, W_hh) + c @ _packed(C_r, C_z, C_h)
    side_rz, side_h = side.split_with_sizes([2 * u, u], dim=-1)
    own_rz, own_h = own.split_with_sizes([2 * u, u], dim=-1)
    r, z = torch.sigmoid(side_rz + own_rz).chunk(2, dim=-1)
    s_tilde = torch.tanh(torch.addcmul(side_h, r, own_h))
    return torch.lerp(s_tilde, s, z)


@implements("seq2seq.decoder_step_context_outside", framework="torch", dtypes=DTYPES)
def decoder_step_context_outside(
    y: Tensor, s: Tensor, c: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
) -> Tensor:
    """recurrent.gru_cell on [y; c]."""
    x = torch.cat([y, c], dim=-1)
    X_r, X_z, X_h = (torch.cat(pair) for pair in ((W_xr, C_r), (W_xz, C_z), (W_xh, C_h)))
    return recurrent.gru_cell(x, s, X_r, W_hr, b_r, X_z, W_hz, b_z, X_h, W_hh, b_h)
# fmt: on


@implements("seq2seq.output_distribution", framework="torch", dtypes=DTYPES)
def output_distribution(s: Tensor, y: Tensor, c: Tensor, W_o: Tensor, E_o: Tensor, C_o: Tensor, b: Tensor) -> Tensor:
    """[s; y; c] is formed, and is one product."""
    return F.linear(torch.cat([s, y, c], dim=-1), torch.cat([W_o, E_o, C_o]).mT, b).softmax(dim=-1)


@implements("seq2seq.output_maxout", framework="torch", dtypes=DTYPES)
def output_maxout(s: Tensor, y: Tensor, c: Tensor, U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor) -> Tensor:
    """The softmax of maxout_logits."""
    return maxout_logits(s, y, c, U_o, V_o, C_o, W_o).softmax(dim=-1)


def maxout_logits(s: Tensor, y: Tensor, c: Tensor, U_o: Tensor, V_o: Tensor, C_o: Tensor, W_o: Tensor) -> Tensor:
    """[s; y; c] is formed, and is one product; the largest is taken of neighbouring columns, two by two."""
    t = torch.cat([s, y, c], dim=-1) @ torch.cat([U_o, V_o, C_o])
    return t.reshape(*t.shape[:-1], W_o.shape[0], 2).amax(dim=-1) @ W_o


@implements("seq2seq.temperature", framework="torch", dtypes=DTYPES)
def temperature(logits: Tensor, *, tau: float) -> Tensor:
    """In float32 for the half types: what is divided there would be rounded before the exponential."""
    inside = torch.promote_types(logits.dtype, torch.float32)
    return (logits.to(inside) / tau).softmax(dim=-1).to(logits.dtype)


@implements("seq2seq.temperature_probs", framework="torch", dtypes=DTYPES)
def temperature_probs(p: Tensor, *, tau: float) -> Tensor:
    """Powers of the shares of the largest, so that a small tau cannot make all of them 0; float32 inside half types."""
    shares = p.to(torch.promote_types(p.dtype, torch.float32))
    powers = (shares / shares.amax(dim=-1, keepdim=True)) ** (1 / tau)
    return (powers / powers.sum(dim=-1, keepdim=True)).to(p.dtype)


@implements("seq2seq.cross_entropy_probs", framework="torch", dtypes=DTYPES)
def cross_entropy_probs(p: Tensor, y: Tensor) -> Tensor:
    """y log p as one function, which is 0 at y = 0 whatever p is; summed in float32 for the half types."""
    inside = torch.promote_types(p.dtype, torch.float32)
    return -torch.xlogy(y.to(inside), p.to(inside)).sum(dim=-1).to(p.dtype)


@implements("seq2seq.distillation", framework="torch", dtypes=DTYPES)
def distillation(p_teacher: Tensor, p_student: Tensor) -> Tensor:
    """Cross-entropy with the teacher's distribution for the true one."""
    return cross_entropy_probs(p_student, p_teacher)


@implements("seq2seq.distillation_logits", framework="torch", dtypes=DTYPES)
def distillation_logits(
    logits_teacher: Tensor,
    logits_student: Tensor,
    *,
    tau: float,
) -> Tensor:
    """The student's logarithms are made of its logits; float32 inside for the half types."""
    inside = torch.promote_types(logits_teacher.dtype, torch.float32)
    p = (logits_teacher.to(inside) / tau).softmax(dim=-1)
    logs = (logits_student.to(inside) / tau).log_softmax(dim=-1)
    return -(p * logs).sum(dim=-1).to(logits_teacher.dtype)


@implements("seq2seq.cross_entropy", framework="torch", dtypes=DTYPES)
def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """One gather from the logarithms; float32 inside for the half types."""
    inside = torch.promote_types(logits.dtype, torch.float32)
    return _loss(logits.to(inside), target).to(logits.dtype)


@implements("seq2seq.sequence_loss", framework="torch", dtypes=DTYPES)
def sequence_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """The losses of what counts, summed in float32 for the half types, over how many count."""
    inside = torch.promote_types(logits.dtype, torch.float32)
    return _mean_loss(logits.to(inside), target, valid).to(logits.dtype)


@implements("seq2seq.perplexity", framework="torch", dtypes=DTYPES)
def perplexity(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """The loss is not rounded before its exponential."""
    inside = torch.promote_types(logits.dtype, torch.float32)
    return _mean_loss(logits.to(inside), target, valid).exp().to(logits.dtype)


def _loss(logits: Tensor, target: Tensor) -> Tensor:
    return -logits.log_softmax(dim=-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)


def _mean_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return torch.where(valid, _loss(logits, target), 0).sum(dim=-1) / valid.sum(dim=-1)


@implements("seq2seq.sample", framework="torch", dtypes=DTYPES)
def sample(p: Tensor, uniform: Tensor) -> Tensor:
    """How many cumulated probabilities the number reaches; at most all but the last. Summed in float32 at least."""
    inside = torch.promote_types(p.dtype, torch.float32)
    reached = p.cumsum(dim=-1, dtype=inside) <= uniform.to(inside).unsqueeze(-1)
    return reached.sum(dim=-1).clamp(max=p.shape[-1] - 1)


@implements("seq2seq.until_stop", framework="torch", dtypes=DTYPES)
def until_stop(token: Tensor, *, stop: int) -> Tensor:
    """How often `stop` was generated is counted along the sequence."""
    return token.masked_fill((token == stop).cumsum(dim=-1) > 0, stop)


def generated(
    step: Callable[..., tuple[Tensor, ...]], states: tuple[Tensor, ...], *, start: int, stop: int, count: int
) -> Tensor:
    """The tokens of a step that reads the one before, after its number, as long as `stop` is not generated."""
    token = torch.full(states[0].shape[:-1], start, device=states[0].device)
    tokens, over = token.new_full((*token.shape, count), stop), torch.zeros_like(token, dtype=torch.bool)
    for i in range(count):
        *states_next, token = step(i, token, *states)
        states = tuple(states_next)
        tokens[..., i] = torch.where(over, stop, token)
        over = over | (token == stop)
    return tokens


# fmt: off
@implements("seq2seq.teacher_forced", framework="torch", dtypes=DTYPES)
def teacher_forced(
    target: Tensor, c: Tensor, s_0: Tensor, E: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    W_o: Tensor, E_o: Tensor, C_o: Tensor, b: Tensor, *, start: int,
) -> tuple[Tensor, Tensor]:
    """The words are known, so that only the states need a loop; the distributions are made of all at once."""
    y = F.embedding(torch.cat([torch.full_like(target[..., :1], start), target[..., :-1]], dim=-1), E)
    s, states = s_0, s_0.new_empty(*target.shape, s_0.shape[-1])
    for i in range(target.shape[-1]):
        s = decoder_step_fixed_context(
            y[..., i, :], s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
        )
        states[..., i, :] = s
    return output_distribution(states, y, c.unsqueeze(-2).expand(*target.shape, -1), W_o, E_o, C_o, b), states


@implements("seq2seq.greedy_step", framework="torch", dtypes=DTYPES)
def greedy_step(
    token: Tensor, s: Tensor, c: Tensor, E: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    W_o: Tensor, E_o: Tensor, C_o: Tensor, b: Tensor,
) -> tuple[Tensor, Tensor]:
    """No softmax: it would not change which is the largest. Of equals PyTorch takes the first."""
    y = F.embedding(token, E)
    s = decoder_step_fixed_context(y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h)
    logits = F.linear(torch.cat([s, y, c], dim=-1), torch.cat([W_o, E_o, C_o]).mT, b)
    return s, logits.argmax(dim=-1)


@implements("seq2seq.greedy_decode", framework="torch", dtypes=DTYPES)
def greedy_decode(
    c: Tensor, s_0: Tensor, E: Tensor,
    W_xr: Tensor, W_hr: Tensor, C_r: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, C_z: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, C_h: Tensor, b_h: Tensor,
    W_o: Tensor, E_o: Tensor, C_o: Tensor, b: Tensor, *, start: int, stop: int, limit: int,
) -> Tensor:
    """Step by step."""
    weights = (
        c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
    )
    return generated(
        lambda i, token, s: greedy_step(token, s, *weights), (s_0,), start=start, stop=stop, count=limit
    )


@implements("seq2seq.teacher_forced_lstm", framework="torch", dtypes=DTYPES)
def teacher_forced_lstm(
    target: Tensor, s_0: Tensor, c_0: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor,
    *, start: int,
) -> tuple[Tensor, Tensor]:
    """recurrent.lstm over the tokens before; the distributions of all steps are one product."""
    x = F.embedding(torch.cat([torch.full_like(target[..., :1], start), target[..., :-1]], dim=-1), E)
    s, _ = recurrent.lstm(x, s_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return recurrent.readout(s, W_hy, b_y).softmax(dim=-1), s


@implements("seq2seq.translator_lstm", framework="torch", dtypes=DTYPES)
def translator_lstm(
    x: Tensor, target: Tensor, E: Tensor,
    W_xi_e: Tensor, W_hi_e: Tensor, b_i_e: Tensor,
    W_xf_e: Tensor, W_hf_e: Tensor, b_f_e: Tensor,
    W_xg_e: Tensor, W_hg_e: Tensor, b_g_e: Tensor,
    W_xo_e: Tensor, W_ho_e: Tensor, b_o_e: Tensor,
    W_xi_d: Tensor, W_hi_d: Tensor, b_i_d: Tensor,
    W_xf_d: Tensor, W_hf_d: Tensor, b_f_d: Tensor,
    W_xg_d: Tensor, W_hg_d: Tensor, b_g_d: Tensor,
    W_xo_d: Tensor, W_ho_d: Tensor, b_o_d: Tensor,
    W_hy: Tensor, b_y: Tensor, *, start: int,
) -> Tensor:
    """encode_lstm, of which the last states alone are kept; then teacher_forced_lstm."""
    zero = x.new_zeros((*x.shape[:-2], b_i_e.shape[0]))
    _, s_0, c_0 = encode_lstm(
        x, zero, zero, W_xi_e, W_hi_e, b_i_e, W_xf_e, W_hf_e, b_f_e, W_xg_e, W_hg_e, b_g_e, W_xo_e, W_ho_e, b_o_e
    )
    p, _ = teacher_forced_lstm(
        target, s_0, c_0, E, W_xi_d, W_hi_d, b_i_d, W_xf_d, W_hf_d, b_f_d, W_xg_d, W_hg_d, b_g_d, W_xo_d, W_ho_d, b_o_d,
        W_hy, b_y, start=start,
    )
    return p


@implements("seq2seq.greedy_step_lstm", framework="torch", dtypes=DTYPES)
def greedy_step_lstm(
    token: Tensor, s: Tensor, c: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """recurrent.lstm_cell on the token's row; no softmax, which would not change which is the largest."""
    x = F.embedding(token, E)
    s, c = recurrent.lstm_cell(x, s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return s, c, recurrent.readout(s, W_hy, b_y).argmax(dim=-1)


@implements("seq2seq.greedy_decode_lstm", framework="torch", dtypes=DTYPES)
def greedy_decode_lstm(
    s_0: Tensor, c_0: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor,
    *, start: int, stop: int, limit: int,
) -> Tensor:
    """Step by step."""
    weights = (E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y)
    return generated(
        lambda i, token, s, c: greedy_step_lstm(token, s, c, *weights), (s_0, c_0), start=start, stop=stop, count=limit
    )


@implements("seq2seq.sample_step_lstm", framework="torch", dtypes=DTYPES)
def sample_step_lstm(
    token: Tensor, uniform: Tensor, s: Tensor, c: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor,
    *, tau: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """recurrent.lstm_cell on the token's row; then one draw."""
    x = F.embedding(token, E)
    s, c = recurrent.lstm_cell(x, s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return s, c, sample(temperature(recurrent.readout(s, W_hy, b_y), tau=tau), uniform)


@implements("seq2seq.sample_decode_lstm", framework="torch", dtypes=DTYPES)
def sample_decode_lstm(
    uniform: Tensor, s_0: Tensor, c_0: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor,
    *, start: int, stop: int, tau: float,
) -> Tensor:
    """Step by step, a number each."""
    weights = (E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y)
    return generated(
        lambda i, token, s, c: sample_step_lstm(token, uniform[..., i], s, c, *weights, tau=tau),
        (s_0, c_0), start=start, stop=stop, count=uniform.shape[-1],
    )


@implements("seq2seq.generate_window_step", framework="torch", dtypes=DTYPES)
def generate_window_step(
    window: Tensor, uniform: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor, *, tau: float,
) -> Tensor:
    """One token at a time is read; what is drawn is put behind all but the first."""
    v, u = W_xi.shape
    x = F.one_hot(window, v).to(W_xi.dtype)
    h_0 = x.new_zeros((*window.shape[:-1], u))
    h, _ = recurrent.lstm(x, h_0, h_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    p = temperature(recurrent.readout(h[..., -1, :], W_hy, b_y), tau=tau)
    return torch.cat([window[..., 1:], sample(p, uniform).unsqueeze(-1)], dim=-1)


@implements("seq2seq.generate_window", framework="torch", dtypes=DTYPES)
def generate_window(
    seed: Tensor, uniform: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor,
    W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor, *, tau: float,
) -> tuple[Tensor, Tensor]:
    """Step by step; the last token of each window is what was drawn."""
    window, tokens = seed.clone(), seed.new_empty(uniform.shape)
    for i in range(uniform.shape[-1]):
        window = generate_window_step(
            window, uniform[..., i],
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
        )
        tokens[..., i] = window[..., -1]
    return tokens, window
# fmt: on


def _packed(*gates: Tensor) -> Tensor:
    return torch.cat(gates, dim=-1)
