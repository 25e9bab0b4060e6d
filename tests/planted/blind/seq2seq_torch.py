"""Encoders and decoders in PyTorch."""

from functools import partial

import torch

from attnspec import implements

of = partial(implements, framework="torch")
σ = torch.sigmoid


@of("seq2seq.decoder_step_fixed_context")
def step(y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Right: as the formula is written."""
    r = σ(y @ W_xr + s @ W_hr + c @ C_r + b_r)
    z = σ(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    return z * s + (1 - z) * torch.tanh(y @ W_xh + r * (s @ W_hh + c @ C_h) + b_h)


@of("seq2seq.decoder_step_fixed_context")
def step_context_outside(y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Wrong: the context stands outside the reset gate."""
    r = σ(y @ W_xr + s @ W_hr + c @ C_r + b_r)
    z = σ(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    return z * s + (1 - z) * torch.tanh(y @ W_xh + r * (s @ W_hh) + c @ C_h + b_h)


@of("seq2seq.decoder_step_fixed_context")
def step_no_context_in_reset(y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Wrong: the reset gate does not read the context."""
    r = σ(y @ W_xr + s @ W_hr + b_r)
    z = σ(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    return z * s + (1 - z) * torch.tanh(y @ W_xh + r * (s @ W_hh + c @ C_h) + b_h)


@of("seq2seq.output_distribution")
def output_no_word(s, y, c, W_o, E_o, C_o, b):
    """Wrong: the word before is not read by the output layer."""
    return torch.softmax(s @ W_o + c @ C_o + b, -1)


@of("seq2seq.output_maxout")
def maxout_halves(s, y, c, U_o, V_o, C_o, W_o):
    """Wrong: the maximum is taken over two halves, not over neighbouring pairs."""
    a, b = (s @ U_o + y @ V_o + c @ C_o).chunk(2, -1)
    return torch.softmax(torch.maximum(a, b) @ W_o, -1)


@of("seq2seq.output_maxout")
def maxout_mean(s, y, c, U_o, V_o, C_o, W_o):
    """Wrong: the mean of each pair instead of its maximum."""
    t = (s @ U_o + y @ V_o + c @ C_o).unflatten(-1, (-1, 2)).mean(-1)
    return torch.softmax(t @ W_o, -1)


@of("seq2seq.teacher_forced")
def forced(
    target, c, s_0, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b, *, start
):
    """Wrong: the word of the same step is fed, not the one before: the targets are not shifted."""
    w = (W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h)
    return run(E[target.clamp_min(0)], s_0, c, w, (W_o, E_o, C_o, b))


@of("seq2seq.teacher_forced")
def forced_right(
    target, c, s_0, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b, *, start
):
    """Right: shifted by one, start first."""
    w = (W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h)
    before = torch.cat([torch.full_like(target[..., :1], start), target[..., :-1]], -1)
    return run(E[before], s_0, c, w, (W_o, E_o, C_o, b))


@of("seq2seq.teacher_forced")
def forced_old_state(
    target, c, s_0, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b, *, start
):
    """Wrong: the distribution is read from the state before the step."""
    w = (W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h)
    before = torch.cat([torch.full_like(target[..., :1], start), target[..., :-1]], -1)
    y = E[before]
    _, states = run(y, s_0, c, w, (W_o, E_o, C_o, b))
    first = s_0.expand(*target.shape[:-1], s_0.shape[-1])[..., None, :]
    old = torch.cat([first, states], -2)[..., : target.shape[-1], :]
    return torch.softmax(old @ W_o + y @ E_o + (c @ C_o)[..., None, :] + b, -1), states


def run(y, s, c, w, out):
    W_o, E_o, C_o, b = out
    lead = y.shape[:-2]
    s, c = s.expand(*lead, s.shape[-1]), c.expand(*lead, c.shape[-1])
    states, ps = [], []
    for i in range(y.shape[-2]):
        s = step(y[..., i, :], s, c, *w)
        states.append(s)
        ps.append(torch.softmax(s @ W_o + y[..., i, :] @ E_o + c @ C_o + b, -1))
    if not states:
        return y.new_zeros(*lead, 0, b.shape[-1]), y.new_zeros(*lead, 0, s.shape[-1])
    return torch.stack(ps, -2), torch.stack(states, -2)


@of("seq2seq.greedy_step")
def greedy_old_state(
    token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
):
    """Wrong: the word is chosen from the old state, not the new one."""
    y = E[token]
    s_next = step(y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h)
    return s_next, (s @ W_o + y @ E_o + c @ C_o + b).argmax(-1)


@of("seq2seq.context_mean")
def context_max(h):
    """Wrong: max pooling instead of the mean."""
    return h.amax(-2)


@of("seq2seq.context_transform")
def context_no_tanh(h, V):
    """Wrong: tanh is missing."""
    return h[..., -1, :] @ V


@of("seq2seq.context_last")
def context_first(h):
    """Wrong: the first state is taken, not the last."""
    return h[..., 0, :].clone()


@of("attention_rnn.attentional_state")
def attentional_order(c, s, W_c):
    """Wrong: [s; c] where [c; s] belongs."""
    return torch.tanh(torch.cat([s, c], -1) @ W_c)


@of("attention_rnn.bahdanau_step")
def bahdanau(y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Right: as the formula is written."""
    α = torch.softmax(torch.tanh((s @ W_a)[..., None, :] + h @ U_a) @ v_a, -1)
    c = (α[..., None, :] @ h)[..., 0, :]
    r = σ(y @ W_xr + s @ W_hr + c @ C_r + b_r)
    z = σ(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    s_tilde = torch.tanh(y @ W_xh + (r * s) @ W_hh + c @ C_h + b_h)
    return (1 - z) * s + z * s_tilde, c, α


@of("attention_rnn.bahdanau_step")
def bahdanau_keeps(y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Wrong: z keeps the old state (PyTorch's convention)."""
    α = torch.softmax(torch.tanh((s @ W_a)[..., None, :] + h @ U_a) @ v_a, -1)
    c = (α[..., None, :] @ h)[..., 0, :]
    r = σ(y @ W_xr + s @ W_hr + c @ C_r + b_r)
    z = σ(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    s_tilde = torch.tanh(y @ W_xh + (r * s) @ W_hh + c @ C_h + b_h)
    return z * s + (1 - z) * s_tilde, c, α


@of("attention_rnn.bahdanau_step")
def bahdanau_scores(y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Wrong: the third result is the scores before softmax, not the weights."""
    e = torch.tanh((s @ W_a)[..., None, :] + h @ U_a) @ v_a
    s_next, c, _ = bahdanau(y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h)
    return s_next, c, e


@of("attention_rnn.attentive_step")
def attentive_old(x, s, c, h, A, b, W_q, W_k):
    """Wrong: the old state asks, not the new one."""
    s_next = torch.tanh(torch.cat([x, s, c], -1) @ A + b)
    α = torch.softmax(((h @ W_k) @ (s @ W_q)[..., None])[..., 0], -1)
    return s_next, (α[..., None, :] @ h)[..., 0, :]


@of("attention_rnn.readout_step")
def readout_reads_keys(y, s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o):
    """Wrong: [c; s] is given to the output layer, where [s; c] belongs."""
    s_next = torch.tanh(y @ W_xh + s @ W_hh + b_h)
    α = torch.softmax(((h @ W_k) @ (s_next @ W_q)[..., None])[..., 0], -1)
    c = (α[..., None, :] @ h)[..., 0, :]
    return s_next, torch.cat([c, s_next], -1) @ W_o + b_o


@of("attention_rnn.input_feeding_step")
def feeding_stale(y, s, c, h, W_xh, W_hh, b_h, W_q, W_k):
    """Wrong: the scores are scaled by the root of the width of query and key."""
    s_next = torch.tanh(torch.cat([y, c], -1) @ W_xh + s @ W_hh + b_h)
    e = ((h @ W_k) @ (s_next @ W_q)[..., None])[..., 0] / W_q.shape[-1] ** 0.5
    return s_next, (torch.softmax(e, -1)[..., None, :] @ h)[..., 0, :]
