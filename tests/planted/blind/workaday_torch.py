"""Right, in PyTorch, as it is written at work: modules, compiled graphs, checkpoints, kept constants, packed cells."""

import functools
import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.utils.checkpoint import checkpoint

from attnspec import implements

ALL = ("float32", "float64", "float16", "bfloat16")
of = partial(implements, framework="torch", dtypes=ALL)
one = partial(implements, framework="torch", dtypes=ALL, batch=(0,))


def upcast(x):
    """In float32 at least."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


@torch.compile(backend="eager", dynamic=True)
def compiled(q, k, v, scale):
    e = torch.matmul(upcast(q), upcast(k).transpose(-1, -2)) * scale
    return torch.matmul(F.softmax(e, dim=-1), upcast(v)).to(q.dtype)


@of("attention.scaled_dot_product")
def compiled_once(q, k, v):
    """Right: torch.compile with dynamic shapes and the eager backend, float32 at least inside."""
    return compiled(q, k, v, q.shape[-1] ** -0.5)


@of("attention.scaled_dot_product", backward=True)
def checkpointed(q, k, v):
    """Right: blocks of 24 queries, each checkpointed, joined by torch.cat."""

    def block(a, k, v):
        e = torch.einsum("...nd,...md->...nm", a, k).mul(1 / math.sqrt(a.shape[-1]))
        return torch.einsum("...nm,...me->...ne", e.softmax(-1), v)

    parts = [checkpoint(block, a, k, v, use_reentrant=False) for a in q.split(24, -2)] if q.shape[-2] else []
    return torch.cat(parts, -2) if parts else block(q, k, v)


class Flash(torch.autograd.Function):
    """Causal attention over tiles of keys; the backward pass has the weights from the logarithms."""

    TILE = 20

    @staticmethod
    def seen(n, m, start, stop):
        return torch.arange(start, stop) <= torch.arange(n)[:, None] + (m - n)

    @staticmethod
    def forward(ctx, q, k, v):
        n, m, scale = q.shape[-2], k.shape[-2], q.shape[-1] ** -0.5
        a, keys, values = upcast(q), upcast(k), upcast(v)
        top = a.new_full((*a.shape[:-1], 1), -math.inf)
        total, acc = torch.zeros_like(top), a.new_zeros(*a.shape[:-1], v.shape[-1])
        for start in range(0, m, Flash.TILE):
            stop = min(m, start + Flash.TILE)
            e = a @ keys[..., start:stop, :].mT * scale
            e = e.masked_fill(~Flash.seen(n, m, start, stop), -math.inf)
            new = torch.maximum(top, e.amax(-1, keepdim=True))
            shift = new.masked_fill(new == -math.inf, 0)
            p, shrink = torch.exp(e - shift), torch.exp(top - shift)
            total = total * shrink + p.sum(-1, keepdim=True)
            acc = acc * shrink + p @ values[..., start:stop, :]
            top = new
        out = torch.where(total > 0, acc / total.clamp(min=torch.finfo(total.dtype).tiny), 0)
        ctx.save_for_backward(q, k, v, out, top, total)
        return out.to(v.dtype)

    @staticmethod
    def backward(ctx, g):
        q, k, v, out, top, total = ctx.saved_tensors
        n, m, scale = q.shape[-2], k.shape[-2], q.shape[-1] ** -0.5
        a, keys, values, g = upcast(q), upcast(k), upcast(v), upcast(g)
        delta = (g * out).sum(-1, keepdim=True)
        shift = top.masked_fill(top == -math.inf, 0)
        d_q, d_k, d_v = torch.zeros_like(a), torch.zeros_like(keys), torch.zeros_like(values)
        for start in range(0, m, Flash.TILE):
            stop = min(m, start + Flash.TILE)
            seen = Flash.seen(n, m, start, stop)
            e = (a @ keys[..., start:stop, :].mT * scale).masked_fill(~seen, -math.inf)
            p = torch.where(total > 0, torch.exp(e - shift) / total, 0)
            d_e = p * (g @ values[..., start:stop, :].mT - delta) * scale
            d_v[..., start:stop, :] = p.mT @ g
            d_k[..., start:stop, :] = d_e.mT @ a
            d_q += d_e @ keys[..., start:stop, :]
        return d_q.to(q.dtype), d_k.to(k.dtype), d_v.to(v.dtype)


@of("attention.causal", backward=True)
def flash_with_backward(q, k, v):
    """Right: an autograd function over tiles of 20 keys, statistics kept, both passes in float32 at least."""
    return Flash.apply(q, k, v)


@of("attention.masked")
def guarded_from_autocast(q, k, v, mask):
    """Right: a region where autocast is off, float32 at least inside, hidden rows by nan_to_num."""
    with torch.autocast("cpu", enabled=False):
        e = upcast(q) @ upcast(k).mT / math.sqrt(q.size(-1))
        p = torch.softmax(torch.where(mask, e, e.new_tensor(-math.inf)), -1).nan_to_num(nan=0.0)
        return (p @ torch.where(mask.any(-2).unsqueeze(-1), upcast(v), 0)).to(v.dtype)


@functools.lru_cache(maxsize=64)
def triangle(n, m):
    """Kept by size, and only read."""
    return torch.ones(n, m, dtype=torch.bool).triu(m - n + 1)


@of("self_attention.causal")
def triangle_is_kept(x, W_q, W_k, W_v):
    """Right: one product for queries, keys and values; the causal mask is kept by its size."""
    q, k, v = (x @ torch.cat([W_q, W_k, W_v], 1)).split([W_q.shape[1], W_k.shape[1], W_v.shape[1]], -1)
    e = (q / math.sqrt(q.shape[-1])) @ k.transpose(-2, -1)
    e = e.masked_fill(triangle(x.shape[-2], x.shape[-2]), float("-inf"))
    return F.softmax(e, dim=-1, dtype=torch.float32 if e.dtype != torch.float64 else None).type_as(v) @ v


@of("multihead.attention_biased")
def in_projections_and_baddbmm(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: F.linear of turned weights, heads in the batch of baddbmm with beta 0, softmax in float32 at least."""
    lead, d = x_q.shape[:-2], W_q.shape[1] // heads

    def heads_of(x, W, b):
        y = F.linear(x, W.t(), b)
        y = y.reshape(math.prod(lead), x.shape[-2], heads, d).transpose(1, 2)
        return y.reshape(math.prod(lead) * heads, x.shape[-2], d)

    q, k, v = heads_of(x_q, W_q, b_q), heads_of(x_kv, W_k, b_k), heads_of(x_kv, W_v, b_v)
    e = torch.baddbmm(q.new_empty(q.shape[0], q.shape[1], k.shape[1]), q, k.mT, beta=0, alpha=d**-0.5)
    o = torch.bmm(torch.softmax(upcast(e), -1).to(v.dtype), v)
    o = o.view(math.prod(lead), heads, x_q.shape[-2], d).transpose(1, 2).reshape(*lead, x_q.shape[-2], heads * d)
    return F.linear(o, W_o.t(), b_o)


@of("multihead.masked")
def additive_mask_of_finfo(x_q, x_kv, W_q, W_k, W_v, W_o, mask, *, heads):
    """Right: the mask becomes 0 and the least finite number, shared by the heads; blind rows are zeroed by where."""

    def split(x):
        return x.unflatten(-1, (heads, -1)).transpose(-2, -3)

    q, k, v = split(x_q @ W_q), split(x_kv @ W_k), split(x_kv @ W_v)
    wide = torch.float64 if q.dtype == torch.float64 else torch.float32
    bias = torch.zeros(mask.shape, dtype=wide).masked_fill(~mask, torch.finfo(wide).min).unsqueeze(-3)
    e = q.to(wide) @ k.to(wide).mT * q.shape[-1] ** -0.5
    p = torch.softmax(e + bias, -1) * mask.unsqueeze(-3)
    return (p.to(v.dtype) @ v).transpose(-2, -3).flatten(-2) @ W_o


@of("recurrent.gru")
def gates_in_own_buffers(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: the inputs of all steps by addmm, gates activated in place, results written into one new tensor."""
    u, lead = h_0.shape[-1], x.shape[:-2]
    W, b = torch.cat([W_xr, W_xz, W_xh], 1), torch.cat([b_r, b_z, b_h])
    a = torch.addmm(b, x.reshape(-1, x.shape[-1]), W).view(*lead, x.shape[-2], 3 * u)
    W_rz, h = torch.cat([W_hr, W_hz], 1), h_0
    out = x.new_empty(*lead, x.shape[-2], u)
    for t in range(x.shape[-2]):
        gates = (a[..., t, : 2 * u] + h @ W_rz).sigmoid_()
        r, z = gates.split(u, -1)
        candidate = (a[..., t, 2 * u :] + (r * h) @ W_hh).tanh_()
        h = candidate.add_(z * (h - candidate))
        out[..., t, :] = h
    return out


@of("recurrent.lstm", backward=True)
def scripted_style(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: unbind over time, packed gates by one product of [x, h], chunk, a list that is stacked."""
    W = torch.cat([torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)])
    b, h, c, states = torch.cat([b_i, b_f, b_g, b_o]), h_0, c_0, []
    for row in x.unbind(-2):
        i, f, g, o = (torch.cat([row, h], -1) @ W + b).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_empty(*h_0.shape[:-1], 0, h_0.shape[-1]), c


@of("recurrent.gru_lengths_reset_after")
def packed_module(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: nn.GRU on a packed sequence; what has no rows keeps its state, and the rest is padded back."""
    t, u = x.shape[-2], h_0.shape[-1]
    count = math.prod(x.shape[:-2])
    rows, h = x.reshape(count, t, x.shape[-1]), h_0.reshape(count, u)
    n = length.reshape(count).clamp(0, t)
    y, last = x.new_zeros(rows.shape[0], t, u), h.clone()
    some = (n > 0).nonzero().flatten()
    if len(some) and u:
        module = nn.GRU(x.shape[-1], u, batch_first=True, dtype=x.dtype, device="meta")
        weights = {
            "weight_ih_l0": torch.cat([W_xr, W_xz, W_xh], 1).t().contiguous(),
            "weight_hh_l0": torch.cat([W_hr, W_hz, W_hh], 1).t().contiguous(),
            "bias_ih_l0": torch.cat([b_r, b_z, b_h]),
            "bias_hh_l0": torch.cat([torch.zeros_like(b_r), torch.zeros_like(b_z), b_hh]),
        }
        packed = nn.utils.rnn.pack_padded_sequence(rows[some], n[some].cpu(), batch_first=True, enforce_sorted=False)
        out, end = functional_call(module, weights, (packed, h[some][None].contiguous()))
        y[some] = nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=t)[0]
        last[some] = end[0]
    return y.reshape(*x.shape[:-1], u), last.reshape(h_0.shape)


class Norm(torch.autograd.Function):
    """Layer norm as fused kernels have it: what is normalised is made anew in the backward pass."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        a = upcast(x)
        var, mean = torch.var_mean(a, -1, correction=0, keepdim=True)
        rstd = (var + eps).rsqrt()
        ctx.save_for_backward(x, gamma, mean, rstd)
        return ((a - mean) * rstd * upcast(gamma) + upcast(beta)).to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        x, gamma, mean, rstd = ctx.saved_tensors
        g, x_hat = upcast(g), (upcast(x) - mean) * rstd
        d = g * upcast(gamma)
        d_x = rstd * (d - d.mean(-1, keepdim=True) - x_hat * (d * x_hat).mean(-1, keepdim=True))
        rows = tuple(range(g.ndim - 1))
        d_gamma, d_beta = ((g * x_hat).sum(rows), g.sum(rows)) if rows else (g * x_hat, g)
        return d_x.to(x.dtype), d_gamma.to(gamma.dtype), d_beta.to(gamma.dtype), None


@of("transformer.layer_norm", backward=True)
def norm_made_anew(x, gamma, beta, *, eps):
    """Right: an autograd function that keeps mean and reciprocal root, in float32 at least."""
    return Norm.apply(x, gamma, beta, eps)


@of("transformer.encoder_layer_biased_pre_gelu")
def block_of_a_vit(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask, *, heads, eps
):
    """Right: one packed projection, the library's attention with a boolean mask of keys, residuals added in place."""
    width = x.shape[-1]
    n = F.layer_norm(x, (width,), gamma_1, beta_1, eps)
    qkv = F.linear(n, torch.cat([W_q, W_k, W_v], 1).t(), torch.cat([b_q, b_k, b_v]))
    q, k, v = qkv.unflatten(-1, (3, heads, -1)).movedim(-3, 0).transpose(-2, -3)
    a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[..., None, None, :].expand(*q.shape[:-1], k.shape[-2]))
    y = F.linear(a.transpose(-2, -3).flatten(-2), W_o.t(), b_o).add_(x)
    f = F.gelu(F.linear(F.layer_norm(y, (width,), gamma_2, beta_2, eps), W_1.t(), b_1))
    return F.linear(f, W_2.t(), b_2).add_(y)


@functools.lru_cache(maxsize=16)
def waves(t, d, dtype):
    """As tutorials have it: 1 / 10000^(2i/d) as an exponential, kept by size."""
    place = torch.arange(t, dtype=torch.float64)[:, None]
    div = torch.exp(torch.arange(0, d, 2, dtype=torch.float64) * (-math.log(10000.0) / max(d, 1)))
    table = torch.zeros(t, d, dtype=torch.float64)
    table[:, 0::2] = torch.sin(place * div)
    table[:, 1::2] = torch.cos(place * div)[:, : d // 2]
    return table.to(dtype)


@of("transformer.embed_scaled")
def table_of_waves_is_kept(k, P):
    """Right: F.embedding times √c, and a table of waves that is kept by its size and dtype."""
    e = F.embedding(k.long(), upcast(P)) * math.sqrt(P.shape[1])
    return (e + waves(k.shape[-1], P.shape[1], e.dtype)).to(P.dtype)


@of("optimizer.adam_l2")
def capturable_order(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: clones in float32 at least, lerp_ and addcmul_, the bias corrections in the denominator, addcdiv_."""
    p, g, m, v = (upcast(a).clone() for a in (theta, g, m, v))
    g.add_(p, alpha=decay)
    m.lerp_(g, 1 - beta_1)
    v.mul_(beta_2).addcmul_(g, g, value=1 - beta_2)
    rate = lr / (1 - beta_1**step)
    denominator = (v.sqrt() / math.sqrt(1 - beta_2**step)).add_(eps)
    p.addcdiv_(m, denominator, value=-rate)
    return p.to(theta.dtype), m.to(theta.dtype), v.to(theta.dtype)


@of("seq2seq.sequence_loss")
def reduction_by_hand(logits, target, valid):
    """Right: F.cross_entropy without reduction in float32 at least, times the mask, over its sum."""
    each = F.cross_entropy(upcast(logits).reshape(-1, logits.shape[-1]), target.long().reshape(-1), reduction="none")
    each = each.view(target.shape)
    return (torch.where(valid, each, 0).sum(-1) / valid.sum(-1)).to(logits.dtype)


@of("seq2seq.distillation_logits")
def by_kl_and_entropy(logits_teacher, logits_student, *, tau):
    """Right: cross_entropy with probabilities as the target, of both divided by τ, in float32 at least."""
    p = torch.softmax(upcast(logits_teacher) / tau, -1)
    s = upcast(logits_student) / tau
    rows = F.cross_entropy(s.reshape(-1, s.shape[-1]), p.reshape(-1, p.shape[-1]), reduction="none")
    return rows.view(s.shape[:-1]).to(logits_student.dtype)


@of("backward.gru_cell")
def grad_of_a_vmap(d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: torch.func.grad of the inner product with the incoming gradient, mapped over the batch by vmap."""

    def product(g, *given):
        x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h = given
        r = torch.sigmoid(x @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(x @ W_xz + h @ W_hz + b_z)
        h_tilde = torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)
        return ((z * h + (1 - z) * h_tilde) * g).sum()

    weights = [upcast(w) for w in (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)]
    of_all = grad(product, argnums=tuple(range(1, 12)))
    if x.ndim > 1:
        of_all = vmap(of_all, in_dims=(0, 0, 0, *[None] * 9))
    return tuple(a.to(x.dtype) for a in of_all(upcast(d_h_next), upcast(x), upcast(h), *weights))


@of("attention_rnn.readout_step")
def a_step_as_a_module(y, s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o):
    """Right: F.linear for each matrix, keys by a product, the query as a column, torch.cat before the output layer."""
    new = torch.tanh(F.linear(y, W_xh.t(), b_h) + F.linear(s, W_hh.t()))
    e = torch.matmul(h @ W_k, F.linear(new, W_q.t()).unsqueeze(-1)).squeeze(-1)
    c = torch.matmul(torch.softmax(e, -1).unsqueeze(-2), h).squeeze(-2)
    return new, F.linear(torch.cat([new, c], -1), W_o.t(), b_o)
