"""Right, in PyTorch, across the catalogue: chunks, padding that is cut, Functions with their own backward, modules."""

import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from attnspec import implements

of = partial(implements, framework="torch")


@of("attention.scaled_dot_product")
def one_pass_over_tiles(q, k, v):
    """Right: tiles of 48 keys in one pass, running largest score and sums in float32, base 2."""
    shape, kept = (*q.shape[:-1], v.shape[-1]), q.dtype
    q, k, v = q.float(), k.float(), v.float()
    scale = math.log2(math.e) / math.sqrt(q.shape[-1]) if q.shape[-1] else 1.0
    top = q.new_full(q.shape[:-1], -math.inf)
    total, o = torch.zeros_like(top), q.new_zeros(shape)
    for keys, values in zip(k.split(48, -2), v.split(48, -2), strict=True):
        if not keys.shape[-2]:
            continue
        e = torch.einsum("...nd,...md->...nm", q, keys) * scale
        new = torch.maximum(top, e.amax(-1))
        p = torch.exp2(e - new[..., None])
        old = torch.exp2(top - new)
        total, o, top = total * old + p.sum(-1), o * old[..., None] + p @ values, new
    return (o / total[..., None]).to(kept)


@of("attention.causal")
def triangle_in_row_blocks(q, k, v):
    """Right: rows in blocks of 20, each with as many keys as its last row sees, weights of hidden ones set to 0."""
    n, m, d = q.shape[-2], k.shape[-2], q.shape[-1]
    out = []
    for start in range(0, n, 20):
        rows = q[..., start : start + 20, :]
        place = torch.arange(start, start + rows.shape[-2]) + (m - n)
        seen = max(int(place[-1]) + 1, 0)
        if not seen:
            out.append(v.new_zeros(*rows.shape[:-1], v.shape[-1]))
            continue
        e = rows @ k[..., :seen, :].mT / math.sqrt(max(d, 1))
        hidden = torch.arange(seen) > place[:, None]
        p = torch.exp(e - e.masked_fill(hidden, -math.inf).amax(-1, keepdim=True).clamp(min=torch.finfo(e.dtype).min))
        p = p.masked_fill(hidden, 0)
        total = p.sum(-1, keepdim=True)
        out.append((p / torch.where(total > 0, total, 1)) @ v[..., :seen, :])
    return torch.cat(out, -2) if out else v.new_zeros(*q.shape[:-1], v.shape[-1])


class _Normed(torch.autograd.Function):
    """Layer norm whose backward is written by hand."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        centred = wide - wide.mean(-1, keepdim=True)
        rstd = torch.rsqrt(centred.square().mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(centred * rstd, rstd, gamma)
        return (centred * rstd * gamma + beta).to(x.dtype)

    @staticmethod
    def backward(ctx, d_y):
        x_hat, rstd, gamma = ctx.saved_tensors
        d_hat = d_y * gamma
        d_x = rstd * (d_hat - d_hat.mean(-1, keepdim=True) - x_hat * (d_hat * x_hat).mean(-1, keepdim=True))
        lead = tuple(range(d_y.ndim - 1))
        d_gamma = d_y * x_hat
        if lead:
            return d_x.to(d_y.dtype), d_gamma.sum(lead).to(gamma.dtype), d_y.sum(lead).to(gamma.dtype), None
        return d_x.to(d_y.dtype), d_gamma.to(gamma.dtype), d_y.to(gamma.dtype), None


@of("transformer.layer_norm")
def normed_by_a_function(x, gamma, beta, *, eps):
    """Right: an autograd Function with statistics in float32."""
    return _Normed.apply(x, gamma, beta, eps)


class _Gelu(torch.autograd.Function):
    """The network's gelu by tanh, which keeps its argument alone, and computes the rest again."""

    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return 0.5 * a * (1 + torch.tanh(0.7978845608028654 * (a + 0.044715 * a**3)))

    @staticmethod
    def backward(ctx, d):
        (a,) = ctx.saved_tensors
        th = torch.tanh(0.7978845608028654 * (a + 0.044715 * a**3))
        slope = 0.7978845608028654 * (1 + 3 * 0.044715 * a * a)
        return d * (0.5 * (1 + th) + 0.5 * a * (1 - th * th) * slope)


@of("transformer.feed_forward_gelu_tanh")
def gelu_computed_again(x, W_1, b_1, W_2, b_2):
    """Right: gelu is a Function that recomputes, rows in chunks of 100."""
    rows = x.reshape(-1, x.shape[-1])
    parts = [_Gelu.apply(part @ W_1 + b_1) @ W_2 + b_2 for part in rows.split(100)]
    return torch.cat(parts).reshape(*x.shape[:-1], W_2.shape[-1])


@of("optimizer.adamw")
def in_place_on_copies(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: in place on copies, as PyTorch's loop over single tensors."""
    theta, m, v = theta.clone(), m.clone(), v.clone()
    theta.mul_(1 - lr * decay)
    m.lerp_(g, 1 - beta_1)
    v.mul_(beta_2).addcmul_(g, g, value=1 - beta_2)
    root = (v.sqrt() / math.sqrt(1 - beta_2**step)).add_(eps)
    theta.addcdiv_(m, root, value=-lr / (1 - beta_1**step))
    return theta, m, v


@of("optimizer.adam")
def all_in_one_expression(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: written with differences from the old moments, stacked arrays in one go."""
    rates = torch.tensor([1 - beta_1, 1 - beta_2], dtype=torch.float64).to(theta.dtype)
    new = torch.stack([m, v])
    new = new + rates.reshape(2, *[1] * theta.ndim) * (torch.stack([g, g * g]) - new)
    hat = new / torch.tensor([1 - beta_1**step, 1 - beta_2**step], dtype=torch.float64).to(theta.dtype).reshape(
        2, *[1] * theta.ndim
    )
    return theta - lr * hat[0] / (hat[1].sqrt() + eps), new[0], new[1]


class _Cell(nn.Module):
    """nn.GRUCell with the weights of the call in place of its own."""

    def forward(self, x, h, w_ih, w_hh, b_ih, b_hh):
        return torch.ops.aten.gru_cell(x, h, w_ih, w_hh, b_ih, b_hh)


@of("recurrent.gru_reset_after")
def through_the_library(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: the library's fused cell, step by step, biases of r and z on the input's side."""
    w_ih, w_hh = torch.cat([W_xr, W_xz, W_xh], 1).T, torch.cat([W_hr, W_hz, W_hh], 1).T
    b_i, b_2 = torch.cat([b_r, b_z, b_h]), torch.cat([torch.zeros_like(b_r), torch.zeros_like(b_z), b_hh])
    h = h_0.reshape(-1, h_0.shape[-1])
    rows = x.reshape(h.shape[0], x.shape[-2], x.shape[-1])
    out = []
    for i in range(rows.shape[1]):
        h = _Cell()(rows[:, i], h, w_ih, w_hh, b_i, b_2)
        out.append(h)
    y = torch.stack(out, 1) if out else rows.new_zeros(h.shape[0], 0, h.shape[1])
    return y.reshape(*x.shape[:-1], h_0.shape[-1])


@of("recurrent.lstm_lengths")
def only_those_that_go_on(x, length, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: a step computes only the examples that are not at their end, picked by their numbers."""
    lead = x.shape[:-2]
    x2, l2 = x.reshape(length.numel(), *x.shape[-2:]), length.reshape(-1)
    h, c = (a.reshape(length.numel(), a.shape[-1]).clone() for a in (h_0, c_0))
    W_x, W_h, b = (
        torch.cat([W_xi, W_xf, W_xg, W_xo], 1),
        torch.cat([W_hi, W_hf, W_hg, W_ho], 1),
        torch.cat([b_i, b_f, b_g, b_o]),
    )
    y = x.new_zeros(*x2.shape[:2], h.shape[-1])
    for t in range(x2.shape[1]):
        live = (l2 > t).nonzero()[:, 0]
        if not len(live):
            break
        i, f, g, o = (torch.addmm(b, x2[live, t], W_x) + h[live] @ W_h).chunk(4, -1)
        new = f.sigmoid() * c[live] + i.sigmoid() * g.tanh()
        c = c.index_copy(0, live, new)
        out = o.sigmoid() * new.tanh()
        h = h.index_copy(0, live, out)
        y[live, t] = out
    return y.reshape(*lead, *y.shape[1:]), h.reshape(*lead, *h.shape[1:]), c.reshape(*lead, *c.shape[1:])


@of("backward.softmax")
def by_a_jacobian_times_vector(d_alpha, e):
    """Right: the library's own backward of softmax, in float32."""
    p = torch.softmax(e.float(), -1)
    return torch.ops.aten._softmax_backward_data(d_alpha.float(), p, -1, torch.float32).to(e.dtype)


@of("backward.scaled_dot_product")
def recomputed_in_column_blocks(d_o, q, k, v):
    """Right: weights are made anew for blocks of 37 keys from the log-sum-exp; gradients are summed in float32."""
    kept = q.dtype
    d_o, q, k, v = (a.float() if kept in (torch.float16, torch.bfloat16) else a for a in (d_o, q, k, v))
    scale = 1 / math.sqrt(q.shape[-1]) if q.shape[-1] else 1.0
    e = q @ k.mT * scale
    lse = torch.logsumexp(e, -1, keepdim=True)
    D = (d_o * (torch.exp(e - lse) @ v)).sum(-1, keepdim=True)
    d_q, d_k, d_v = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
    for start in range(0, k.shape[-2], 37):
        cut = slice(start, start + 37)
        p = torch.exp(q @ k[..., cut, :].mT * scale - lse)
        d_v[..., cut, :] = p.mT @ d_o
        d_s = p * (d_o @ v[..., cut, :].mT - D) * scale
        d_q += d_s @ k[..., cut, :]
        d_k[..., cut, :] = d_s.mT @ q
    return d_q.to(kept), d_k.to(kept), d_v.to(kept)


@of("multihead.padded_biased")
def through_the_library_of_heads(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, *, heads):
    """Right: the fused function with a mask that is added, 0 or −∞; rows over padding alone are 0 there."""

    def cut(a):
        return a.unflatten(-1, (heads, -1 if a.numel() else a.shape[-1] // heads)).transpose(-2, -3)

    q, k, v = cut(x_q @ W_q + b_q), cut(x_kv @ W_k + b_k), cut(x_kv @ W_v + b_v)
    bias = torch.zeros(mask.shape, dtype=q.dtype).masked_fill(~mask, -math.inf)[..., None, None, :]
    read = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    read = torch.where(mask.any(-1)[..., None, None, None], read, 0)
    return read.transpose(-2, -3).flatten(-2) @ W_o + b_o


@of("generation.beam_step")
def best_by_repeated_argmax(log_p, score, over, *, stop):
    """Right: the best is taken out again and again, by a mask of what was taken."""
    beam, v = log_p.shape[-2:]
    only = torch.arange(v) == stop
    total = torch.where(over[..., None] > 0, torch.where(only, score[..., None], -math.inf), score[..., None] + log_p)
    flat = total.flatten(-2)
    taken = torch.zeros_like(flat, dtype=torch.bool)
    scores, picks = [], []
    for _ in range(beam):
        top = flat.masked_fill(taken, -math.inf).amax(-1, keepdim=True)
        place = ((flat == top) & ~taken).int().argmax(-1, keepdim=True)
        scores.append(flat.gather(-1, place)), picks.append(place)
        taken = taken.scatter(-1, place, True)
    place = torch.cat(picks, -1)
    return torch.cat(scores, -1), place // v, place % v


@of("seq2seq.sequence_loss")
def over_the_flat_targets_that_count(logits, target, valid):
    """Right: the targets that do not count are −100 for the library, summed by example."""
    t = torch.where(valid, target, -100).long()
    losses = functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), t.reshape(-1), reduction="none")
    return losses.reshape(t.shape).sum(-1) / valid.sum(-1)
