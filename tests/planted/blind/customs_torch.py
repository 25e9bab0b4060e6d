"""Customs that are right elsewhere and wrong for these formulas, in PyTorch: sparsity, small integers, shared work."""

import math
from functools import partial

import torch

from attnspec import implements

of = partial(implements, framework="torch")
batched = partial(implements, framework="torch", batch=(1,))


@of("self_attention.scaled")
def scores_mirrored(x, W_q, W_k, W_v):
    """Wrong: only scores of keys up to the query are computed and mirrored, as if they were symmetric."""
    e = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[-1])
    lower = e.tril()
    return torch.softmax(lower + lower.tril(-1).mT, -1) @ (x @ W_v)


def sparse(W):
    """Of each four weights of a column the two that are largest; those of a last group of fewer stay."""
    whole = W.shape[0] // 4 * 4
    groups = W[:whole].reshape(-1, 4, W.shape[1])
    least = groups.abs().topk(2, dim=1).values[:, -1:] if whole else groups.abs()
    kept = torch.where(groups.abs() >= least, groups, torch.zeros_like(groups)).reshape(whole, W.shape[1])
    return torch.cat([kept, W[whole:]])


@of("transformer.feed_forward")
def two_weights_of_four(x, W_1, b_1, W_2, b_2):
    """Wrong: of each four weights along the inputs only the two largest count, as in 2:4 sparsity."""
    return torch.relu(x @ sparse(W_1) + b_1) @ sparse(W_2) + b_2


@of("recurrent.gru")
def zoneout_stays(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: a tenth of each state is the one before it, as zoneout is evaluated."""
    h, out = h_0, []
    for t in range(x.shape[-2]):
        now = x[..., t, :]
        r = torch.sigmoid(now @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(now @ W_xz + h @ W_hz + b_z)
        new = z * h + (1 - z) * torch.tanh(now @ W_xh + (r * h) @ W_hh + b_h)
        h = 0.1 * h + 0.9 * new
        out.append(h)
    return torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], b_h.shape[0])


@of("attention.scaled_dot_product")
def keys_in_eight_bits(q, k, v):
    """Wrong: keys are kept as whole numbers from -127 to 127, with one scale for each key."""
    scale = k.abs().amax(-1, keepdim=True).clamp_min(1e-30) / 127
    k = torch.round(k / scale) * scale
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


@batched("recurrent.gru_lengths")
def put_back_by_the_order(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: examples are sorted by length, and put back by the sorting order, not by its inverse."""
    order = torch.argsort(length, descending=True, stable=True)
    h, y = h_0[order], []
    for t in range(x.shape[-2]):
        now = x[order, t]
        r = torch.sigmoid(now @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(now @ W_xz + h @ W_hz + b_z)
        new = z * h + (1 - z) * torch.tanh(now @ W_xh + (r * h) @ W_hh + b_h)
        runs = (t < length[order]).unsqueeze(-1)
        h = torch.where(runs, new, h)
        y.append(torch.where(runs, new, torch.zeros_like(new)))
    states = torch.stack(y, -2) if y else x.new_zeros(*x.shape[:-1], b_h.shape[0])
    return states[order], h[order]


@of("multihead.attention")
def output_matrix_centred(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: each row of the output matrix has its mean taken off, which only a norm behind it makes right."""

    def split(a):
        return a.unflatten(-1, (heads, a.shape[-1] // heads)).transpose(-2, -3)

    q, k, v = split(x_q @ W_q), split(x_kv @ W_k), split(x_kv @ W_v)
    head = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v
    return head.transpose(-2, -3).flatten(-2) @ (W_o - W_o.mean(-1, keepdim=True))


@of("attention.scaled_dot_product")
def queries_in_pairs(q, k, v):
    """Wrong: of each two queries only the first is asked, and the second gets the same answer."""
    c = torch.softmax(q[..., ::2, :] @ k.mT / math.sqrt(q.shape[-1]), -1) @ v
    return c.repeat_interleave(2, -2)[..., : q.shape[-2], :]


@of("transformer.linear")
def input_in_float8(x, W, b):
    """Wrong: the input is rounded to float8 with a scale that makes its largest value 448."""
    scale = x.abs().amax().clamp_min(1e-30) / 448 if x.numel() else x.new_ones(())
    return ((x / scale).to(torch.float8_e4m3fn).to(x.dtype) * scale) @ W + b


@of("attention.padded")
def no_padding_hides_all(q, k, v, mask):
    """Wrong: the length is the place of the first hidden key, and 0 if there is none."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    length = (~mask).int().argmax(-1) if mask.shape[-1] else mask.sum(-1)
    seen = torch.arange(mask.shape[-1]) < length.unsqueeze(-1)
    seen = seen.unsqueeze(-2)
    p = torch.softmax(e.masked_fill(~seen, -torch.inf), -1).nan_to_num(0)
    return p @ v
