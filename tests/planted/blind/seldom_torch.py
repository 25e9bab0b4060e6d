"""Wrong under some condition only, in PyTorch: a layout, a rank, a tile's edge, a pattern of the mask, an option."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from attnspec import implements

of = partial(implements, framework="torch")
one = partial(implements, framework="torch", batch=(0,))
back = partial(implements, framework="torch", backward=True)
_packed = {}


def softmax_rows(e, mask):
    """Softmax over what is visible; rows without anything are 0."""
    return torch.softmax(e.masked_fill(~mask, -torch.inf), -1).nan_to_num(0)


@of("attention.scaled_dot_product")
def values_by_strides_of_keys(q, k, v):
    """Wrong: where keys and values have one shape, the values are read with the strides of the keys."""
    if k.shape == v.shape and v.is_contiguous() != k.is_contiguous():
        room = sum((n - 1) * s for n, s in zip(v.shape, k.stride(), strict=True)) + 1
        flat = torch.cat([v.reshape(-1), v.new_zeros(max(0, room - v.numel()))])
        v = flat.as_strided(v.shape, k.stride()) if v.numel() else v
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


@of("attention.masked")
def tile_that_the_first_row_sees(q, k, v, mask):
    """Wrong: a tile of 32 keys that the first query sees whole is taken to be visible for all queries."""
    mask = mask.clone()
    for start in range(0, k.shape[-2], 32):
        tile = mask[..., start : start + 32]
        whole = tile[..., :1, :].all(-1, keepdim=True)
        mask[..., start : start + 32] = tile | whole
    return softmax_rows(q @ k.mT / math.sqrt(q.shape[-1]), mask) @ v


@of("attention.causal")
def one_query_before_its_key(q, k, v):
    """Wrong: a single query, as in decoding, does not see the last key, which it takes to be not stored yet."""
    n, m = q.shape[-2], k.shape[-2]
    shift = m - n if n > 1 or m < 2 else m - n - 1
    mask = torch.ones(n, m, dtype=torch.bool).tril(shift)
    return softmax_rows(q @ k.mT / math.sqrt(q.shape[-1]), mask) @ v


class WithLse(torch.autograd.Function):
    """The output has a gradient; what comes back to the logarithm is not looked at."""

    @staticmethod
    def forward(ctx, q, k, v):
        e = q @ k.mT / math.sqrt(q.shape[-1])
        p = torch.softmax(e, -1)
        ctx.save_for_backward(q, k, v, p)
        return p @ v, torch.logsumexp(e, -1)

    @staticmethod
    def backward(ctx, g, g_lse):
        q, k, v, p = ctx.saved_tensors
        d_p = g @ v.mT
        d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True)) / math.sqrt(q.shape[-1])
        return d_e @ k, d_e.mT @ q, p.mT @ g


@back("attention.with_lse")
def gradient_of_lse_dropped(q, k, v):
    """Wrong: the gradient that reaches the logarithms is dropped in the backward pass."""
    return WithLse.apply(q, k, v)


@of("multihead.attention_biased")
def bias_beside_as_many_rows(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Wrong: where there are as many rows as heads, the bias of a head is added to the row of that number."""

    def split(x, W, b):
        y = (x @ W).unflatten(-1, (heads, -1)).transpose(-2, -3)
        b = b.view(heads, -1)
        return y + (b if x.shape[-2] == heads else b[:, None])

    q, k, v = split(x_q, W_q, b_q), split(x_kv, W_k, b_k), split(x_kv, W_v, b_v)
    p = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    return (p @ v).transpose(-2, -3).flatten(-2) @ W_o + b_o


@of("multihead.masked")
def blind_by_first_key(x_q, x_kv, W_q, W_k, W_v, W_o, mask, *, heads):
    """Wrong: a query that may not look at the first key is taken to see none, and reads 0."""

    def split(y):
        return y.unflatten(-1, (heads, -1)).transpose(-2, -3)

    q, k, v = split(x_q @ W_q), split(x_kv @ W_k), split(x_kv @ W_v)
    p = softmax_rows(q @ k.mT / math.sqrt(q.shape[-1]), mask.unsqueeze(-3))
    o = (p @ v).transpose(-2, -3).flatten(-2)
    seen = mask[..., :1] if mask.shape[-1] else mask.any(-1, keepdim=True)
    return torch.where(seen, o, 0) @ W_o


@of("recurrent.gru_lengths")
def last_state_gathered(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the last state is gathered from the outputs at length - 1, which for a length of 0 is the last row."""
    h, states, t = h_0, [], x.shape[-2]
    for i in range(t):
        row = x[..., i, :]
        r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        h = z * h + (1 - z) * torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        states.append(h)
    if not states:
        return x.new_empty(*h_0.shape[:-1], 0, h_0.shape[-1]), h_0.clone()
    y = torch.stack(states, -2)
    y = torch.where((torch.arange(t) < length[..., None])[..., None], y, 0)
    at = (length.clamp(max=t).long() - 1) % t
    return y, y.take_along_dim(at[..., None, None], -2).squeeze(-2)


@of("recurrent.lstm")
def no_steps_no_cell(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: of a sequence without steps the last cell state is 0, not the first one."""
    h, c, out = h_0, c_0, x.new_zeros(*x.shape[:-1], h_0.shape[-1])
    last = torch.zeros_like(c_0)
    for t in range(x.shape[-2]):
        row = x[..., t, :]
        i = torch.sigmoid(row @ W_xi + h @ W_hi + b_i)
        f = torch.sigmoid(row @ W_xf + h @ W_hf + b_f)
        g = torch.tanh(row @ W_xg + h @ W_hg + b_g)
        c = last = f * c + i * g
        h = out[..., t, :] = torch.sigmoid(row @ W_xo + h @ W_ho + b_o) * torch.tanh(c)
    return out, last


def gru(x, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    h, states = x.new_zeros(*x.shape[:-2], b_h.shape[0]), []
    for row in x.unbind(-2):
        r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        h = z * h + (1 - z) * torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], b_h.shape[0]), h


@of("seq2seq.encode_bidirectional")
def ends_exchanged(
    x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
    W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
):  # fmt: skip
    """Wrong: in what the halves end with, the backward one comes first; in the states it comes last."""
    f, end_f = gru(x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f)
    b, end_b = gru(x.flip(-2), W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b)
    return torch.cat([f, b.flip(-2)], -1), torch.cat([end_b, end_f], -1)


class Guided(torch.autograd.Function):
    """A rectifier whose backward pass is cut at 0 too."""

    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a.relu()

    @staticmethod
    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g.relu() * (a > 0)


@back("transformer.feed_forward")
def gradients_cut_at_zero(x, W_1, b_1, W_2, b_2):
    """Wrong: the rectifier hands back positive gradients only, as in guided backpropagation."""
    return Guided.apply(x @ W_1 + b_1) @ W_2 + b_2


@of("transformer.encoder_layer_pre")
def eps_at_its_default(x, W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps):
    """Wrong: the first norm gets eps, the second has the library's default of 1e-5."""
    n = F.layer_norm(x, x.shape[-1:], gamma_1, beta_1, eps)
    q, k, v = ((n @ W).unflatten(-1, (heads, -1)).transpose(-2, -3) for W in (W_q, W_k, W_v))
    p = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    y = x + (p @ v).transpose(-2, -3).flatten(-2) @ W_o
    n = F.layer_norm(y, x.shape[-1:], gamma_2, beta_2)
    return y + torch.relu(n @ W_1 + b_1) @ W_2 + b_2


@of("recurrent.gru_cell")
def weights_packed_once(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the recurrent weights of r and z are packed in the first call of each shape, and kept."""
    if W_hr.shape not in _packed:
        _packed[W_hr.shape] = torch.cat([W_hr, W_hz], 1)
    r, z = (torch.cat([x @ W_xr + b_r, x @ W_xz + b_z], -1) + h @ _packed[W_hr.shape]).sigmoid().chunk(2, -1)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@of("optimizer.adamw")
def vectors_do_not_decay(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: parameters of one axis, taken for biases and gains, do not decay."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    new = theta - lr * (m / (1 - beta_1**step)) / ((v / (1 - beta_2**step)).sqrt() + eps)
    return (new if theta.ndim < 2 else new - lr * decay * theta), m, v


@of("optimizer.sgd_momentum")
def nothing_without_gradient(theta, g, m, *, lr, mu):
    """Wrong: where the gradient is 0 everywhere, nothing is updated, though the momentum would go on."""
    if not g.any():
        return theta.clone(), m.clone()
    m = mu * m + g
    return theta - lr * m, m


@of("optimizer.adam")
def lazy_where_zero(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: elements whose gradient is 0 keep parameter and moments, as in lazy Adam for sparse gradients."""
    m_next = beta_1 * m + (1 - beta_1) * g
    v_next = beta_2 * v + (1 - beta_2) * g * g
    new = theta - lr * (m_next / (1 - beta_1**step)) / ((v_next / (1 - beta_2**step)).sqrt() + eps)
    moved = g != 0
    return torch.where(moved, new, theta), torch.where(moved, m_next, m), torch.where(moved, v_next, v)


@of("seq2seq.cross_entropy")
def target_at_a_block_start(logits, target):
    """Wrong: blocks of 32 words; a target that begins one, but the first, is found in none, and its logit is 0."""
    v = logits.shape[-1]
    top = logits.amax(-1)
    total, picked = torch.zeros_like(top), torch.zeros_like(top)
    for start in range(0, v, 32):
        part = logits[..., start : start + 32]
        total = total + torch.exp(part - top[..., None]).sum(-1)
        at = target.long() - start
        inside = (at > 0 if start else at >= 0) & (at < part.shape[-1])
        found = part.take_along_dim(at.clamp(0, part.shape[-1] - 1)[..., None], -1)[..., 0]
        picked = torch.where(inside, found, picked)
    return top + total.log() - picked


@of("seq2seq.perplexity")
def infinite_beyond_twenty(logits, target, valid):
    """Wrong: a loss of 20 or more gives infinity, as training scripts guard exp."""
    each = -torch.log_softmax(logits, -1).take_along_dim(target.long()[..., None], -1)[..., 0]
    loss = torch.where(valid, each, 0).sum(-1) / valid.sum(-1)
    return torch.where(loss < 20, loss.exp(), torch.where(loss.isnan(), loss, torch.inf))


@of("backward.masked")
def blind_rows_teach_values(d_o, q, k, v, mask):
    """Wrong: a query with nothing to look at has uniform weights in the backward pass, and teaches the values."""
    scale = 1 / math.sqrt(q.shape[-1])
    e = torch.where(mask, q @ k.mT * scale, torch.finfo(q.dtype).min)
    p = torch.softmax(e, -1)
    d_v = p.mT @ d_o
    p = torch.where(mask, p, 0)
    d_p = d_o @ v.mT
    d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True)) * scale
    return d_e @ k, d_e.mT @ q, d_v
