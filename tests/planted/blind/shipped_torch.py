"""Wrong, in PyTorch, as it was shipped: caches, tiles, packed matrices, sorted batches and buffers."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from attnspec import implements

of = partial(implements, framework="torch")


@of("attention.masked")
def rows_far_below_are_blind(q, k, v, mask):
    """Wrong: -10000 stands for hidden scores, and a row whose largest score is below -5000 is taken for hidden."""
    e = torch.where(mask, q @ k.mT / math.sqrt(q.shape[-1]), -10000.0)
    if not e.shape[-1]:
        return e @ v
    top = e.amax(-1, keepdim=True)
    p = torch.where(mask, torch.exp(e - top), 0)
    return torch.where(top < -5000, 0, p @ v / p.sum(-1, keepdim=True))


@of("attention.causal")
def prefix_by_whole_pages(q, k, v):
    """Wrong: what is cached before the queries is counted in whole pages of 16 keys."""
    n, m = q.shape[-2], k.shape[-2]
    before = (m - n) // 16 * 16 if m > n else m - n
    seen = torch.ones(n, m, dtype=torch.bool).tril(before)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~seen, -math.inf)
    return torch.softmax(e, -1).nan_to_num(nan=0.0) @ v


@of("attention.scaled_dot_product")
def last_key_fills_the_tile(q, k, v):
    """Wrong: places of the last tile of 32 keys that do not exist read the last key and its value, unmasked."""
    m = k.shape[-2]
    at = torch.arange(math.ceil(m / 32) * 32).clamp(max=max(m - 1, 0))
    e = q @ k[..., at, :].mT / math.sqrt(q.shape[-1])
    return torch.softmax(e, -1) @ v[..., at, :]


@of("seq2seq.sequence_loss")
def count_is_averaged_over_the_batch(logits, target, valid):
    """Wrong: each loss is divided by the number of words that an example of the batch has on average."""
    loss = F.cross_entropy(logits.movedim(-1, 1) if logits.ndim > 2 else logits, target, reduction="none")
    count = valid.sum(-1).to(logits.dtype)
    return torch.where(valid, loss, 0).sum(-1) / (count.mean() if count.ndim and count.numel() else count)


@of("recurrent.bidirectional_gru_lengths")
def turned_back_over_the_whole_axis(
    x, length, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
    W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
):  # fmt: skip
    """Wrong: inputs are turned within their length for the second direction, outputs over the padding too."""
    t = x.shape[-2]
    place = torch.arange(t)
    valid = place < length[..., None]
    at = torch.where(valid, length[..., None].clamp(max=t) - 1 - place, place)
    turned = x.gather(-2, at[..., None].expand(x.shape).long())

    def run(x, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
        h, out = x.new_zeros(*x.shape[:-2], W_hr.shape[0]), []
        for i in range(t):
            row, on = x[..., i, :], valid[..., i, None]
            r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
            z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
            new = z * h + (1 - z) * torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
            h = torch.where(on, new, h)
            out.append(torch.where(on, h, 0))
        return torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], W_hr.shape[0]), h

    there, last = run(x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f)
    back, first = run(turned, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b)
    return torch.cat([there, back.flip(-2)], -1), torch.cat([last, first], -1)


@of("recurrent.gru_lengths")
def unsorted_by_the_same_order(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: a batch is sorted by length, and put back with the order itself, not with its inverse."""
    order = length.argsort(descending=True, stable=True) if length.ndim else None
    if order is not None:
        x, length, h_0 = x[order], length[order], h_0[order]
    h, out = h_0, []
    for i in range(x.shape[-2]):
        row, on = x[..., i, :], (i < length)[..., None]
        r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        h = torch.where(on, z * h + (1 - z) * torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h), h)
        out.append(torch.where(on, h, 0))
    y = torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], h_0.shape[-1])
    return (y, h.clone()) if order is None else (y[order], h[order])


@of("seq2seq.sample_step_lstm")
def powers_are_not_normalised(
    token, uniform, s, c, E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, *, tau
):
    """Wrong: probabilities are raised to 1/τ, and the number is compared with their sums as they are."""
    y = E[token]
    i, f = torch.sigmoid(y @ W_xi + s @ W_hi + b_i), torch.sigmoid(y @ W_xf + s @ W_hf + b_f)
    g, o = torch.tanh(y @ W_xg + s @ W_hg + b_g), torch.sigmoid(y @ W_xo + s @ W_ho + b_o)
    c_next = f * c + i * g
    s_next = o * torch.tanh(c_next)
    p = torch.softmax(s_next @ W_hy + b_y, -1) ** (1 / tau)
    drawn = (p.cumsum(-1) <= uniform[..., None]).sum(-1).clamp(max=max(p.shape[-1] - 1, 0))
    return s_next, c_next, drawn.to(token.dtype)


@of("transformer.embed_scaled")
def positions_are_scaled_too(k, P):
    """Wrong: the sum of embeddings and positions is multiplied by the root of the width."""
    t, c = k.shape[-1], P.shape[-1]
    column = torch.arange(c)
    angle = torch.arange(t)[:, None] / 10000.0 ** ((column - column % 2).double() / max(c, 1))
    waves = torch.where(column % 2 == 0, angle.sin(), angle.cos()).to(P.dtype)
    found = torch.where(k[..., None] < 0, 0, P[k.clamp(min=0)]) if P.shape[0] else P.new_zeros(*k.shape, c)
    return (found + waves) * math.sqrt(c)


@of("multihead.self_attention_biased")
def packed_matrix_cut_in_two(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Wrong: for two shards the matrix of queries, keys and values is cut in two as it is packed, end to end."""
    W, b, d = torch.cat([W_q, W_k, W_v], 1), torch.cat([b_q, b_k, b_v]), W_q.shape[1] // heads
    shards = 2 if heads % 2 == 0 else 1
    width, out = W.shape[1] // shards, b_o
    for rank in range(shards):
        own = slice(rank * width, (rank + 1) * width)
        parts = (x @ W[:, own] + b[own]).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (heads // shards, d)).transpose(-2, -3) for part in parts)
        o = (torch.softmax(q @ k.mT / math.sqrt(d), -1) @ v).transpose(-2, -3).flatten(-2)
        out = out + o @ W_o[rank * width // 3 : (rank + 1) * width // 3]
    return out


KEPT: dict[tuple[int, ...], torch.Tensor] = {}


@of("transformer.linear")
def sums_go_on_from_the_last_call(x, W, b):
    """Wrong: a buffer of sums is kept for each shape, and only cleared when it is made."""
    shape = (*x.shape[:-1], W.shape[1])
    sums = KEPT.setdefault(shape, x.new_zeros(shape))
    for start in range(0, x.shape[-1], 64):
        sums += x[..., start : start + 64] @ W[start : start + 64]
    return sums + b


@of("transformer.linear")
def chunks_are_summed_in_bfloat16(x, W, b):
    """Wrong: each 32 products are summed in float32, and these sums are added up in bfloat16."""
    y = x.new_zeros(*x.shape[:-1], W.shape[1], dtype=torch.bfloat16)
    for start in range(0, x.shape[-1], 32):
        y = y + (x[..., start : start + 32] @ W[start : start + 32]).bfloat16()
    return y.to(x.dtype) + b


@of("recurrent.bidirectional_feature")
def directions_viewed_as_rows(h):
    """Wrong: the last states stand as directions by examples, and are viewed as one row for each example."""
    u = h.shape[-1] // 2
    states = torch.stack([h[..., -1, :u], h[..., 0, u:]])
    return states.reshape(*h.shape[:-2], 2 * u)
