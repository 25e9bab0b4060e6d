"""Slips of people who write kernels and port models, in PyTorch: fused layers, shards, masks, views, detached parts."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from attnspec import implements

of = partial(implements, framework="torch")
one = partial(implements, framework="torch", batch=(0,))
half = partial(implements, framework="torch", dtypes=("float16",))
brain = partial(implements, framework="torch", dtypes=("bfloat16",))
double = partial(implements, framework="torch", dtypes=("float64",))
back = partial(implements, framework="torch", backward=True)


def split(a, heads):
    return a.unflatten(-1, (heads, a.shape[-1] // heads)).transpose(-2, -3)


def merged(a):
    return a.transpose(-2, -3).flatten(-2)


def attend(q, k, v, causal=False):
    e = q @ k.mT / math.sqrt(q.shape[-1])
    if causal:
        n, m = e.shape[-2:]
        e = e.masked_fill(~torch.ones(n, m, dtype=torch.bool).tril(m - n), -torch.inf)
        return torch.softmax(e, -1).nan_to_num(0) @ v
    return torch.softmax(e, -1) @ v


def norm(x, gamma, beta, eps):
    return F.layer_norm(x, x.shape[-1:], gamma, beta, eps)


@of("attention.scaled_dot_product")
def small_rescaling_skipped(q, k, v):
    """Wrong: sums are not rescaled where the largest score rises by less than 1, and yet the new one is taken off."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    high = e.new_full((*e.shape[:-1], 1), -torch.inf)
    total, out = torch.zeros_like(high), q.new_zeros(*q.shape[:-1], v.shape[-1])
    for start in range(0, k.shape[-2], 16):
        s = e[..., start : start + 16]
        new = torch.maximum(high, s.amax(-1, keepdim=True))
        p = torch.exp(s - new)
        shrink = torch.where(new - high < 1, torch.ones_like(new), torch.exp(high - new))
        total = shrink * total + p.sum(-1, keepdim=True)
        out = shrink * out + p @ v[..., start : start + 16, :]
        high = new
    return out / total if k.shape[-2] else out


@of("attention.masked")
def mask_is_added(q, k, v, mask):
    """Wrong: the mask of booleans is converted and added to the scores, so that it only lifts what may be seen by 1."""
    e = q @ k.mT / math.sqrt(q.shape[-1]) + mask.to(q.dtype)
    return torch.softmax(e, -1).masked_fill(~mask.any(-1, keepdim=True), 0) @ v


@brain("attention.causal")
def chunk_offset_forgotten(q, k, v):
    """Wrong, in bfloat16: queries come in chunks of 64, and each chunk is masked as if it were the first one."""
    n, m = q.shape[-2], k.shape[-2]
    out = []
    for start in range(0, n, 64):
        e = (q[..., start : start + 64, :].float() @ k.mT.float()) / math.sqrt(q.shape[-1])
        rows = torch.arange(e.shape[-2]).unsqueeze(-1) + (m - n)
        p = torch.softmax(e.masked_fill(torch.arange(m) > rows, -torch.inf), -1).nan_to_num(0)
        out.append((p @ v.float()).to(q.dtype))
    return torch.cat(out, -2) if out else q.new_zeros(*q.shape[:-1], v.shape[-1])


@of("attention.additive")
def score_vector_normalised(q, k, v, W, U, v_a):
    """Wrong: the vector of the score has been normalised to length 1, as with normalize=True."""
    hidden = torch.tanh((q @ W).unsqueeze(-2) + (k @ U).unsqueeze(-3))
    e = hidden @ (v_a / v_a.norm().clamp_min(1e-12))
    return torch.softmax(e, -1) @ v


@of("attention_rnn.bahdanau_step")
def reset_covers_context(y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Wrong: the reset gate multiplies the context's part of the candidate as well as the state's."""
    alpha = torch.softmax(torch.tanh((s @ W_a).unsqueeze(-2) + h @ U_a) @ v_a, -1)
    c = (alpha.unsqueeze(-2) @ h).squeeze(-2)
    r = torch.sigmoid(y @ W_xr + s @ W_hr + c @ C_r + b_r)
    z = torch.sigmoid(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    new = torch.tanh(y @ W_xh + (r * s) @ W_hh + r * (c @ C_h) + b_h)
    return torch.lerp(s, new, z), c, alpha


@of("attention_rnn.luong_step")
def asks_with_cell_state(
    y, s, c, h_tilde, h, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_a, W_c
):
    """Wrong: of the tuple that the LSTM returns the second is taken, so the cell state asks and goes on."""
    x = torch.cat([y, h_tilde], -1)
    i = torch.sigmoid(x @ W_xi + s @ W_hi + b_i)
    f = torch.sigmoid(x @ W_xf + s @ W_hf + b_f)
    g = torch.tanh(x @ W_xg + s @ W_hg + b_g)
    o = torch.sigmoid(x @ W_xo + s @ W_ho + b_o)
    c_next = f * c + i * g
    s_next = o * torch.tanh(c_next)
    alpha = torch.softmax((h @ (c_next @ W_a).unsqueeze(-1)).squeeze(-1), -1)
    context = (alpha.unsqueeze(-2) @ h).squeeze(-2)
    return s_next, c_next, torch.tanh(torch.cat([context, c_next], -1) @ W_c)


@brain("attention.scaled_dot_product")
def quadrants_exchanged(q, k, v):
    """Wrong, in bfloat16: in each full 16 by 16 tile of weights the lower left and upper right quadrants are exchanged.

    https://github.com/kekzl/imp/pull/352
    """
    p = torch.softmax((q.float() @ k.mT.float()) / math.sqrt(q.shape[-1]), -1)
    n, m = p.shape[-2:]
    for i in range(0, n - 15, 16):
        for j in range(0, m - 15, 16):
            tile = p[..., i : i + 16, j : j + 16]
            lower, upper = tile[..., 8:, :8].clone(), tile[..., :8, 8:].clone()
            tile[..., 8:, :8], tile[..., :8, 8:] = upper, lower
    return (p @ v.float()).to(q.dtype)


@of("self_attention.relu")
def rectified_before_product(x, W_q, W_k, W_v):
    """Wrong: queries and keys are rectified, as in a kernelised attention, and their products are not."""
    return torch.relu(x @ W_q) @ torch.relu(x @ W_k).mT @ (x @ W_v)


@of("self_attention.qkv")
def fused_units_in_turn(x, W_q, W_k, W_v):
    """Wrong: where all widths agree the fused product is viewed as (d, 3), so the three take its units in turn."""
    fused = x @ torch.cat([W_q, W_k, W_v], 1)
    d, e = W_q.shape[1], W_v.shape[1]
    if d == e:
        return fused.unflatten(-1, (d, 3)).unbind(-1)
    return fused.split([d, d, e], -1)


@of("multihead.queries")
def joined_by_column(q, k, v):
    """Wrong: what the queries read is joined column by column, the transpose before flattening is one too many."""
    return attend(q, k, v).mT.flatten(-2)


@half("multihead.attention")
def output_matrix_by_unit(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong, in float16: the output matrix is viewed as (d, heads, c), where its rows are (heads, d, c)."""
    head = attend(split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads))
    by_unit = W_o.unflatten(0, (W_o.shape[0] // heads, heads))
    return torch.einsum("...hnd,dhc->...nc", head, by_unit)


@of("position.sinusoidal")
def places_wrap_at_512(*, t, d):
    """Wrong: the table has 512 rows, and places beyond are looked up modulo its length."""
    j = torch.arange(d)
    angle = (torch.arange(t) % 512).double().unsqueeze(-1) / 10000 ** ((j // 2 * 2).double() / d)
    return torch.where(j % 2 == 0, angle.sin(), angle.cos()).float()


@of("transformer.decoder_layer")
def last_norms_exchanged(
    x, z, W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
    W_1, b_1, W_2, b_2, gamma_3, beta_3, *, heads, eps,
):  # fmt: skip
    """Wrong: the checkpoint's second and third norm are loaded into each other's place."""
    a = attend(split(x @ W_q_s, heads), split(x @ W_k_s, heads), split(x @ W_v_s, heads), causal=True)
    y = norm(x + merged(a) @ W_o_s, gamma_1, beta_1, eps)
    c = merged(attend(split(y @ W_q_c, heads), split(z @ W_k_c, heads), split(z @ W_v_c, heads))) @ W_o_c
    u = norm(y + c, gamma_3, beta_3, eps)
    return norm(u + torch.relu(u @ W_1 + b_1) @ W_2 + b_2, gamma_2, beta_2, eps)


@of("transformer.feed_forward")
def bias_in_both_shards(x, W_1, b_1, W_2, b_2):
    """Wrong: the hidden layer is cut in two shards whose results are summed, and each has added the second bias."""
    cut = (W_1.shape[1] + 1) // 2
    parts = [(W_1[:, :cut], b_1[:cut], W_2[:cut]), (W_1[:, cut:], b_1[cut:], W_2[cut:])]
    return sum(torch.relu(x @ A + a) @ B + b_2 for A, a, B in parts)


@of("optimizer.adam")
def lerp_by_beta(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: the mean of gradients is a lerp from m to g by β₁, and not by 1 − β₁."""
    m = torch.lerp(m, g, beta_1)
    v = beta_2 * v + (1 - beta_2) * g * g
    denominator = (v / (1 - beta_2**step)).sqrt() + eps
    return theta - lr / (1 - beta_1**step) * m / denominator, m, v


@of("recurrent.gru_cell_reset_after")
def first_bias_for_both(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Wrong: of the array of two rows of biases the first is read for the recurrent part of the candidate too.

    https://github.com/tensorflow/tfjs/issues/2442
    """
    r = torch.sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = torch.sigmoid(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + b_h + r * (h @ W_hh + b_h))


@of("recurrent.lstm_lengths")
def mask_multiplies_states(x, length, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: both states are multiplied by the mask of each step, so that they are 0 at the end of a shorter text."""
    W_x, W_h = torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    b = torch.cat([b_i, b_f, b_g, b_o])
    h, c, out = h_0, c_0, []
    for t in range(x.shape[-2]):
        i, f, g, o = (x[..., t, :] @ W_x + h @ W_h + b).chunk(4, -1)
        shown = (t < length).unsqueeze(-1)
        c = torch.where(shown, torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g), 0)
        h = torch.where(shown, torch.sigmoid(o) * torch.tanh(c), 0)
        out.append(h)
    return torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], h_0.shape[-1]), h, c


@of("seq2seq.sequence_loss")
def logits_viewed_by_class(logits, target, valid):
    """Wrong: the loss wants classes before steps, and the scores are viewed so, not transposed.

    https://github.com/IBM/pytorch-seq2seq/issues/193
    """
    t, v = logits.shape[-2:]
    viewed = logits.reshape(*logits.shape[:-2], v, t)
    log_p = torch.log_softmax(viewed, -2).mT
    loss = -log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return torch.where(valid, loss, 0).sum(-1) / valid.sum(-1)


@of("seq2seq.temperature")
def softened_after_softmax(logits, *, tau):
    """Wrong: probabilities are divided by the temperature, and softmax is taken of these."""
    return torch.softmax(torch.softmax(logits, -1) / tau, -1)


@of("text.embedding")
def rows_capped_at_length_one(k, P):
    """Wrong: rows that are longer than 1 are scaled to length 1 as they are looked up, as with max_norm=1."""
    capped = P * (1 / P.norm(dim=-1, keepdim=True).clamp_min(1))
    return capped[k.clamp_min(0)] * (k >= 0).unsqueeze(-1)


@of("backward.scaled_dot_product")
def delta_of_each_tile(d_o, q, k, v):
    """Wrong: what softmax takes off is summed over the tile of 32 keys alone, not over the row."""
    scale = 1 / math.sqrt(q.shape[-1])
    p = torch.softmax(q @ k.mT * scale, -1)
    d_p = d_o @ v.mT
    d_e = torch.empty_like(p)
    for start in range(0, k.shape[-2], 32):
        here = slice(start, start + 32)
        delta = (p[..., here] * d_p[..., here]).sum(-1, keepdim=True)
        d_e[..., here] = p[..., here] * (d_p[..., here] - delta)
    return d_e @ k * scale, d_e.mT @ q * scale, p.mT @ d_o


@of("backward.cross_entropy")
def every_target_in_every_row(d_loss, logits, target):
    """Wrong: 1 is taken off by p[:, target], at the targets of all examples in each row, not at a row's own."""
    p = torch.softmax(logits, -1)
    rows = p.reshape(-1, p.shape[-1])
    rows[:, target.reshape(-1)] -= 1
    return d_loss.unsqueeze(-1) * rows.reshape(p.shape)


@double("backward.binary_cross_entropy")
def sigmoid_in_float32(d_loss, logit, target):
    """Wrong, in float64: the kernel's fast sigmoid is of 32 bits, whatever it is given."""
    return d_loss * (torch.sigmoid(logit.float()).to(logit.dtype) - target)


@back("recurrent.simple_rnn")
def detached_every_8_steps(x, h_0, W_xh, W_hh, b_h):
    """Wrong: the state is detached after every 8th step, as in truncated training, so gradients end there."""
    h, out = h_0, []
    for t in range(x.shape[-2]):
        if t and t % 8 == 0:
            h = h.detach()
        h = torch.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h)
        out.append(h)
    return torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], b_h.shape[0])
