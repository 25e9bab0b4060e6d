"""Sundry, in PyTorch: what users report of caches, tiles, masks, gates, denominators and written gradients."""

import functools
import math
from functools import partial

import torch
import torch.nn.functional as F

from attnspec import implements

of = partial(implements, framework="torch")


@of("attention.scaled_dot_product")
def last_tile_of_a_long_row(q, k, v):
    """Wrong: beyond 128 keys, what does not fill a tile of 64 is not read."""
    m = k.shape[-2]
    if m > 128:
        k, v = k[..., : m // 64 * 64, :], v[..., : m // 64 * 64, :]
    return F.softmax(q @ k.mT / math.sqrt(q.shape[-1]), dim=-1) @ v


@of("attention.causal")
def blocks_of_queries_restart(q, k, v):
    """Wrong: queries are taken 32 at a time, and the mask of each block starts with the first key."""
    n, m, out = q.shape[-2], k.shape[-2], []
    for start in range(0, n, 32):
        rows = q[..., start : start + 32, :]
        seen = torch.ones(rows.shape[-2], m, dtype=torch.bool).tril(m - n)
        e = (rows @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~seen, -math.inf)
        out.append(F.softmax(e, dim=-1).nan_to_num(0.0) @ v)
    return torch.cat(out, -2) if out else q.new_zeros(*q.shape[:-1], v.shape[-1])


@of("attention.masked")
def mask_turned_when_square(q, k, v, mask):
    """Wrong: a mask as high as it is wide is transposed, as one of keys by queries."""
    if mask.shape[-1] == mask.shape[-2]:
        mask = mask.mT
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)
    return F.softmax(e, dim=-1).nan_to_num(0.0) @ v


@of("attention.masked")
def blind_rows_read_the_mean(q, k, v, mask):
    """Wrong: a query with nothing to look at reads the mean of all values, as scores of -1e9 do."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -1e9)
    return F.softmax(e, dim=-1) @ v


@of("recurrent.gru")
def packed_in_the_order_of_another_library(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the weights of the input are packed z, r and those of the state r, z."""
    W_x, W_h = torch.cat([W_xz, W_xr], -1), torch.cat([W_hr, W_hz], -1)
    b, h, out = torch.cat([b_r, b_z]), h_0, []
    for row in x.unbind(-2):
        r, z = (row @ W_x + h @ W_h + b).sigmoid().chunk(2, -1)
        candidate = torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        h = torch.lerp(candidate, h, z)
        out.append(h)
    return torch.stack(out, -2) if out else x.new_zeros(*h_0.shape[:-1], 0, h_0.shape[-1])


@of("recurrent.gru")
def hard_gate(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the arguments of both gates are clamped to ±4, against overflow."""
    h, out = h_0, []
    for row in x.unbind(-2):
        r = (row @ W_xr + h @ W_hr + b_r).clamp(-4, 4).sigmoid()
        z = (row @ W_xz + h @ W_hz + b_z).clamp(-4, 4).sigmoid()
        h = z * h + (1 - z) * torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        out.append(h)
    return torch.stack(out, -2) if out else x.new_zeros(*h_0.shape[:-1], 0, h_0.shape[-1])


@of("optimizer.adam")
def correction_one_step_behind(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: the second moment is corrected for the step before, but never for step 0."""
    m = torch.lerp(g, m, beta_1)
    v = v * beta_2 + g.square() * (1 - beta_2)
    hat = v / (1 - beta_2 ** max(step - 1, 1))
    return theta - lr * (m / (1 - beta_1**step)) / (hat.sqrt() + eps), m, v


@of("optimizer.adamw")
def decay_of_the_new_parameters(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the parameters decay after the step, by what they have become."""
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    new = theta - lr * (m / (1 - beta_1**step)) / ((v / (1 - beta_2**step)).sqrt() + eps)
    return new.mul(1 - lr * decay), m, v


class Norm(torch.autograd.Function):
    """A layer norm with its own backward pass."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        centred = x - x.mean(-1, keepdim=True)
        rstd = (centred.square().mean(-1, keepdim=True) + eps).rsqrt()
        ctx.save_for_backward(centred * rstd, gamma, rstd)
        return centred * rstd * gamma + beta

    @staticmethod
    def backward(ctx, d_y):
        y, gamma, rstd = ctx.saved_tensors
        d = d_y * gamma
        d_x = rstd * (d - y * (d * y).mean(-1, keepdim=True))
        rows = tuple(range(d_y.dim() - 1))
        return d_x, (d_y * y).sum(rows), d_y.sum(rows), None


@of("transformer.layer_norm", backward=True)
def mean_has_no_path(x, gamma, beta, *, eps):
    """Wrong: the written gradient forgets the path through the mean; the values are right."""
    return Norm.apply(x, gamma, beta, eps)


@of("backward.linear")
def bias_of_one_row(d_y, x, W, b):
    """Wrong: the gradient of the bias is the mean over the rows, not their sum."""
    g, rows = d_y.reshape(-1, d_y.shape[-1]), x.reshape(-1, x.shape[-1])
    return d_y @ W.mT, rows.mT @ g, g.mean(0) if len(g) else torch.zeros_like(b)


@of("backward.causal")
def aligned_first_on_the_way_back(d_o, q, k, v):
    """Wrong: the backward pass aligns the first query with the first key."""
    scale = q.shape[-1] ** -0.5
    seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
    p = F.softmax((q @ k.mT * scale).masked_fill(~seen, -math.inf), dim=-1).nan_to_num(0.0)
    d_p = d_o @ v.mT
    d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True)) * scale
    return d_e @ k, d_e.mT @ q, p.mT @ d_o


@functools.lru_cache(maxsize=1)
def lower(n):
    return torch.ones(n, n, dtype=torch.bool).tril()


@of("self_attention.causal")
def weights_in_bfloat16(x, W_q, W_k, W_v):
    """Wrong: the weights are computed in bfloat16, as under autocast, and turned back."""
    q, k, v = x @ W_q, x @ W_k, x @ W_v
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~lower(x.shape[-2]), -math.inf)
    return F.softmax(e.bfloat16(), dim=-1).to(v.dtype) @ v


@of("attention.scaled_dot_product")
def scale_at_both(q, k, v):
    """Right: queries and keys each take the fourth root of the width."""
    root = q.shape[-1] ** -0.25
    return F.softmax((q * root) @ (k * root).mT, dim=-1) @ v


@of("attention.masked")
def blind_rows_by_any(q, k, v, mask):
    """Right: rows that see nothing are zeroed by where, after a softmax over the least finite number."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, torch.finfo(q.dtype).min)
    return (F.softmax(e, dim=-1) * mask) @ v


@of("optimizer.adam")
def in_one_step_size(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: in-place moments of copies, the correction of the first in the step size."""
    m = m.clone().mul_(beta_1).add_(g, alpha=1 - beta_1)
    v = v.clone().mul_(beta_2).addcmul_(g, g, value=1 - beta_2)
    denominator = (v.sqrt() / math.sqrt(1 - beta_2**step)).add_(eps)
    return theta.addcdiv(m, denominator, value=-lr / (1 - beta_1**step)), m, v
