"""Right, in PyTorch: split keys, ring updates, packed cells, special functions, foreach, windows, scatters, layouts."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch.func import vjp, vmap

from attnspec import implements

ALL = ("float32", "float64", "float16", "bfloat16")
of = partial(implements, framework="torch", dtypes=ALL)
one = partial(implements, framework="torch", dtypes=ALL, batch=(0,))


def wide(x):
    """In float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


@of("attention.scaled_dot_product")
def keys_split_among_workers(q, k, v):
    """Right: keys padded to a multiple of 32 and split, each split's largest score and sums joined at the end."""
    m = k.shape[-2]
    pad = -m % 32
    b, c = (F.pad(wide(a), (0, 0, 0, pad)).unflatten(-2, (-1, 32)) for a in (k, v))
    e = wide(q).unsqueeze(-3) @ b.mT * (1.0 / math.sqrt(q.shape[-1]))
    there = (torch.arange(m + pad) < m).view(-1, 1, 32)
    e = e.masked_fill(~there, -math.inf)
    top = e.amax(-1, keepdim=True)
    p = torch.exp(e - top)
    share = torch.exp(top - top.amax(-3, keepdim=True))
    read, total = (share * (p @ c)).sum(-3), (share * p.sum(-1, keepdim=True)).sum(-3)
    return (read / total).to(v.dtype)


class Attend(torch.autograd.Function):
    """Attention whose backward pass makes the weights anew from the logarithm of the sums."""

    @staticmethod
    def forward(ctx, q, k, v, scale):
        e = torch.matmul(q * scale, k.mT)
        lse = e.logsumexp(-1, keepdim=True)
        o = torch.exp(e - lse) @ v
        ctx.save_for_backward(q, k, v, o, lse)
        ctx.scale = scale
        return o

    @staticmethod
    def backward(ctx, d_o):
        q, k, v, o, lse = ctx.saved_tensors
        p = torch.exp(torch.matmul(q * ctx.scale, k.mT) - lse)
        d_e = p * (d_o @ v.mT - (d_o * o).sum(-1, keepdim=True)) * ctx.scale
        return d_e @ k, d_e.mT @ q, p.mT @ d_o, None


@of("attention.dot_product")
def function_that_keeps_the_logarithm(q, k, v):
    """Right: an autograd function that keeps the logarithm of the sums, in float32 at least."""
    return Attend.apply(wide(q), wide(k), wide(v), 1.0).to(v.dtype)


@of("attention.causal")
def least_number_where_hidden(q, k, v):
    """Right: the least number of the dtype by masked_fill, rows that see nothing set to 0, in float32 at least."""
    n, m = q.shape[-2], k.shape[-2]
    e = torch.einsum("...id,...jd->...ij", wide(q), wide(k)).div_(math.sqrt(q.shape[-1]))
    hidden = torch.ones(n, m, dtype=torch.bool).triu(m - n + 1)
    p = e.masked_fill(hidden, torch.finfo(e.dtype).min).softmax(-1)
    return (p @ wide(v)).masked_fill(hidden.all(-1, keepdim=True), 0.0).to(v.dtype)


@of("attention.masked")
def bias_that_is_the_base(q, k, v, mask):
    """Right: baddbmm onto a bias of the least number, heads and batch as one axis, in float32 at least."""
    lead = q.shape[:-2]
    a, b, c, seen = (x.reshape(math.prod(lead), *x.shape[-2:]) for x in (wide(q), wide(k), wide(v), mask))
    bias = torch.zeros(seen.shape, dtype=a.dtype).masked_fill_(~seen, torch.finfo(a.dtype).min)
    e = torch.baddbmm(bias, a, b.mT, beta=1.0, alpha=q.shape[-1] ** -0.5)
    p = e.softmax(-1) * seen.any(-1, keepdim=True)
    return torch.bmm(p, c).reshape(*q.shape[:-1], v.shape[-1]).to(v.dtype)


@of("attention.padded")
def selected_keys(q, k, v, mask):
    """Right: keys that are no padding by index_select, example by example; without any the output stays 0."""
    lead = q.shape[:-2]
    out = torch.zeros(math.prod(lead), q.shape[-2], v.shape[-1], dtype=v.dtype)
    flat = (x.reshape(math.prod(lead), *x.shape[len(lead) :]) for x in (q, k, v, mask))
    for place, (a, b, c, seen) in enumerate(zip(*flat, strict=True)):
        kept = seen.nonzero().squeeze(-1)
        if kept.numel():
            e = torch.mm(wide(a), wide(b.index_select(0, kept)).t()) / math.sqrt(q.shape[-1])
            out[place] = torch.mm(e.softmax(-1), wide(c.index_select(0, kept))).to(v.dtype)
    return out.reshape(*q.shape[:-1], v.shape[-1])


@of("attention.causal_top_left")
def numbers_of_places_compared(q, k, v):
    """Right: places of queries and keys compared, the scores added to a bias of −∞, logsumexp and exp, float64."""
    i, j = torch.arange(q.shape[-2])[:, None], torch.arange(k.shape[-2])
    e = q.double() @ k.double().mT * q.shape[-1] ** -0.5
    e = e + torch.where(j > i, -math.inf, 0.0)
    return (torch.exp(e - e.logsumexp(-1, keepdim=True)) @ v.double()).to(v.dtype)


@of("attention.block_step")
def in_place_on_clones(q, k, v, top, total, o, *, first, block):
    """Right: a slice of the keys, sums shrunk by mul_ and moved on by add_, in float32 at least."""
    b, c = wide(k[..., first : first + block, :]), wide(v[..., first : first + block, :])
    e = wide(q) @ b.mT / math.sqrt(q.shape[-1])
    high = torch.maximum(wide(top), e.amax(-1))
    shrunk = torch.exp(wide(top) - high)
    p = e.sub_(high.unsqueeze(-1)).exp_()
    sums = wide(total).clone().mul_(shrunk).add_(p.sum(-1))
    read = wide(o).clone().mul_(shrunk.unsqueeze(-1)).add_(p @ c)
    return high.to(top.dtype), sums.to(total.dtype), read.to(o.dtype)


@of("attention.blocked")
def last_block_first(q, k, v, *, block):
    """Right: blocks from the last to the first, a log-sum-exp of each, outputs added with their shares in float64."""
    a, scale = q.double(), q.shape[-1] ** -0.5
    lse = a.new_full(q.shape[:-1], -math.inf)
    o = a.new_zeros(*q.shape[:-1], v.shape[-1])
    for b, c in zip(reversed(k.double().split(block, -2)), reversed(v.double().split(block, -2)), strict=True):
        e = a @ b.mT * scale
        here = e.logsumexp(-1)
        new = torch.logaddexp(lse, here)
        o = o * torch.exp(lse - new)[..., None] + torch.exp(e - new[..., None]) @ c
        lse = new
    return o.to(v.dtype)


@of("attention.merge")
def moved_by_a_sigmoid(o_1, lse_1, o_2, lse_2):
    """Right: as ring attention updates: out less σ(…) (out − new), a logarithm less a logsigmoid, in float64."""
    a, b = lse_1.double(), lse_2.double()
    apart = torch.where(torch.isneginf(b), math.inf, a - b)
    share = torch.sigmoid(-apart).unsqueeze(-1)
    nothing = torch.isneginf(a) & torch.isneginf(b)
    o = o_1.double() - share * (o_1.double() - o_2.double())
    o = torch.where(nothing.unsqueeze(-1), 0.0, o)
    lse = torch.where(torch.isneginf(a), b, a - F.logsigmoid(apart))
    return o.to(o_1.dtype), lse.to(lse_1.dtype)


@of("attention.incremental")
def copied_into_a_longer_cache(q, k_new, v_new, K, V):
    """Right: caches one row longer, filled by index_copy_ and narrow, the library's attention of one query."""

    def longer(cache, row):
        new = cache.new_zeros(*cache.shape[:-2], cache.shape[-2] + 1, cache.shape[-1])
        new.narrow(-2, 0, cache.shape[-2]).copy_(cache)
        return new.index_copy_(-2, torch.tensor([cache.shape[-2]]), row.unsqueeze(-2))

    k, v = longer(K, k_new), longer(V, v_new)
    e = (wide(k) @ wide(q).unsqueeze(-1)).squeeze(-1) * q.shape[-1] ** -0.5
    o = (e.softmax(-1).unsqueeze(-2) @ wide(v)).squeeze(-2)
    return o.to(V.dtype), k, v


@of("attention.with_lse")
def log_softmax_and_its_shift(q, k, v):
    """Right: log_softmax of the scores, whose shift at the best key is the logarithm less that score; float64."""
    if k.shape[-2] == 0:
        return v.new_zeros(*q.shape[:-1], v.shape[-1]), q.new_full(q.shape[:-1], -math.inf)
    e = q.double() @ k.double().mT / math.sqrt(q.shape[-1])
    log_p = e.log_softmax(-1)
    top, place = e.max(-1)
    lse = top - log_p.gather(-1, place.unsqueeze(-1)).squeeze(-1)
    return (log_p.exp() @ v.double()).to(v.dtype), lse.to(q.dtype)


@of("attention.soft")
def einsum_with_letters_for_all(q, x):
    """Right: two einsums and a softmax whose dtype is given, in float32 at least."""
    e = torch.einsum("...id,...jd->...ij", wide(q), wide(x))
    return torch.einsum("...ij,...jd->...id", F.softmax(e, dim=-1, dtype=e.dtype), wide(x)).to(x.dtype)


@of("scores.scaled_dot")
def fourth_root_on_both_sides(q, k):
    """Right: queries and keys are each divided by the fourth root of the width, as Whisper does, float32 at least."""
    scale = q.shape[-1] ** -0.25
    return ((wide(q) * scale) @ (wide(k) * scale).mT).to(q.dtype)


@of("scores.nonlinear")
def tanh_as_twice_a_sigmoid(s, h, W_q, W_k, b_q, b_k):
    """Right: tanh as 2σ(2x) − 1 on either side, in float64."""

    def side(x, W, b):
        return 2 * torch.sigmoid(2 * torch.addmm(b, x.reshape(-1, len(W)), W)).reshape(*x.shape[:-1], len(b)) - 1

    q, k = side(s.double(), W_q.double(), b_q.double()), side(h.double(), W_k.double(), b_k.double())
    return (q @ k.mT).to(s.dtype)


@one("scores.bilinear")
def bilinear_layer_of_all_pairs(q, k, W):
    """Right: F.bilinear of every pair of a query and a key, with one output, in float32 at least."""
    n, m = len(q), len(k)
    a, b = wide(q).repeat_interleave(m, 0), wide(k).repeat(n, 1)
    return F.bilinear(a, b, wide(W).unsqueeze(0)).view(n, m).to(q.dtype)


@one("scores.dot")
def inner_of_both(q, k):
    """Right: torch.inner, in float32 at least."""
    return torch.inner(wide(q), wide(k)).to(q.dtype)


@of("multihead.split")
def stacked_parts(x, *, heads):
    """Right: tensor_split along the columns, the parts stacked in front of the rows."""
    return torch.stack(x.tensor_split(heads, dim=-1), dim=-3)


@of("multihead.concat")
def heads_side_by_side(x):
    """Right: torch.cat of the heads that unbind gives."""
    return torch.cat(x.unbind(-3), dim=-1)


@of("multihead.self_attention_biased")
def mapped_over_heads(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: torch.vmap over the heads' own weights and biases, each one's share of W_o summed, float32 at least."""

    def cut(W, b):
        return wide(W).view(len(W), heads, -1).permute(1, 0, 2), wide(b).view(heads, -1)

    def head(W_q, b_q, W_k, b_k, W_v, b_v, W_o):
        a = wide(x)
        q, k, v = a @ W_q + b_q, a @ W_k + b_k, a @ W_v + b_v
        return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v @ W_o

    each = vmap(head)(*cut(W_q, b_q), *cut(W_k, b_k), *cut(W_v, b_v), wide(W_o).view(heads, -1, W_o.shape[1]))
    return (each.sum(0) + wide(b_o)).to(x.dtype)


@of("multihead.attention")
def packed_keys_and_values(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: F.linear with keys' and values' weights packed head by head, chunked, the library's attention."""
    c = len(W_k)
    packed = torch.cat([W_k.view(c, heads, -1), W_v.view(c, heads, -1)], -1).flatten(1)
    k, v = F.linear(x_kv, packed.t()).unflatten(-1, (heads, -1)).transpose(-2, -3).chunk(2, dim=-1)
    q = F.linear(x_q, W_q.t()).unflatten(-1, (heads, -1)).transpose(-2, -3)
    read = F.scaled_dot_product_attention(q, k, v)
    return F.linear(read.transpose(-2, -3).flatten(-2), W_o.t())


@of("multihead.causal")
def heads_and_batch_as_one(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: heads folded into the batch, bmm, a bias of −∞ by triu that is added, NaN of blind rows made 0."""
    n, m = x_q.shape[-2], x_kv.shape[-2]

    def fold(x, W):
        y = (wide(x) @ wide(W)).unflatten(-1, (heads, -1)).movedim(-2, -3)
        return y.reshape(-1, *y.shape[-2:]) if y.numel() else y.flatten(0, -3)

    q, k, v = fold(x_q, W_q), fold(x_kv, W_k), fold(x_kv, W_v)
    e = torch.bmm(q / math.sqrt(q.shape[-1]), k.mT) + torch.full((n, m), -math.inf).triu(1 + m - n)
    read = torch.bmm(torch.nan_to_num(e.softmax(-1)), v).view(*x_q.shape[:-2], heads, n, v.shape[-1])
    return (read.movedim(-3, -2).flatten(-2) @ wide(W_o)).to(x_q.dtype)


@of("transformer.layer_norm")
def moments_about_the_first(x, gamma, beta, *, eps):
    """Right: moments about the first component, the mean of squares less the square of the mean, in float64."""
    a = x.double() - x.double().narrow(-1, 0, 1)
    mean = a.mean(-1, keepdim=True)
    variance = (a.square().mean(-1, keepdim=True) - mean.square()).clamp_min(0)
    return torch.addcmul(beta.double(), (a - mean) * torch.rsqrt(variance + eps), gamma.double()).to(x.dtype)


@of("transformer.layer_norm")
def group_norm_of_one_group(x, gamma, beta, *, eps):
    """Right: torch.group_norm with a single group of all components, rows as examples."""
    if not x.numel():
        return x.clone()
    return torch.group_norm(x.reshape(-1, x.shape[-1]), 1, gamma, beta, eps).view(x.shape)


@of("transformer.feed_forward_gelu")
def times_the_normal_distribution(x, W_1, b_1, W_2, b_2):
    """Right: the hidden layer times torch.special.ndtr of it, in float32 at least."""
    a = wide(x) @ wide(W_1) + wide(b_1)
    return (a * torch.special.ndtr(a) @ wide(W_2) + wide(b_2)).to(x.dtype)


@of("transformer.feed_forward_gelu_tanh")
def sigmoid_of_a_cube(x, W_1, b_1, W_2, b_2):
    """Right: a σ(1.5957691216 a (1 + 0.044715 a²)), in float32 at least."""
    a = F.linear(wide(x), wide(W_1).t(), wide(b_1))
    gated = a * torch.sigmoid(1.5957691216057308 * a * (1.0 + 0.044715 * a * a))
    return F.linear(gated, wide(W_2).t(), wide(b_2)).to(x.dtype)


@of("transformer.feed_forward")
def threshold_between_two_convolutions(x, W_1, b_1, W_2, b_2):
    """Right: convolutions of width 1 over the components as channels, F.threshold between, as OpenAI's GPT had it."""
    rows = wide(x).reshape(-1, x.shape[-1])
    a = F.conv1d(rows.t().unsqueeze(0), wide(W_1).t().unsqueeze(-1), wide(b_1)) if len(rows) else None
    if a is None:
        return x.clone()
    y = F.conv1d(F.threshold(a, 0.0, 0.0), wide(W_2).t().unsqueeze(-1), wide(b_2))
    return y.squeeze(0).t().reshape(x.shape).to(x.dtype)


@of("transformer.encoder_layer_pre")
def residual_stream_in_place(
    x, W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps
):
    """Right: a stream in float32 at least, to which each sub-layer adds in place; the library's norm and attention."""
    stream, width = wide(x).clone(), x.shape[-1:]
    a = F.layer_norm(stream, width, wide(gamma_1), wide(beta_1), eps)
    q, k, v = ((a @ wide(W)).unflatten(-1, (heads, -1)).transpose(-2, -3) for W in (W_q, W_k, W_v))
    stream += F.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2) @ wide(W_o)
    a = F.layer_norm(stream, width, wide(gamma_2), wide(beta_2), eps)
    stream += (a @ wide(W_1) + wide(b_1)).relu_() @ wide(W_2) + wide(b_2)
    return stream.to(x.dtype)


@of("transformer.next_token")
def logarithms_of_chunks(y, W, b):
    """Right: logits of 100 words at a time, their logarithms of sums stacked and reduced, then exp; in float64."""
    parts = [y.double() @ w.double() + c.double() for w, c in zip(W.split(100, 1), b.split(100), strict=True)]
    lse = torch.stack([part.logsumexp(-1) for part in parts], -1).logsumexp(-1, keepdim=True)
    return torch.cat([torch.exp(part - lse) for part in parts], -1).to(y.dtype)


@of("recurrent.gru_cell_reset_after")
def cell_of_the_library(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: torch.gru_cell with [r | z | n] packed, biases of both gates on the input's side, float32 at least."""
    packed = [torch.cat([wide(w) for w in ws], 1).t() for ws in ((W_xr, W_xz, W_xh), (W_hr, W_hz, W_hh))]
    bias = torch.cat([wide(b) for b in (b_r, b_z, b_h)])
    own = torch.cat([torch.zeros_like(wide(b_r)), torch.zeros_like(wide(b_z)), wide(b_hh)])
    a, s = wide(x).reshape(-1, x.shape[-1]), wide(h).reshape(-1, h.shape[-1])
    return torch.gru_cell(a, s, *packed, bias, own).view(h.shape).to(h.dtype)


@of("recurrent.lstm_cell")
def gates_by_one_addmm(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: one matrix for [x; h], gates by chunk, addcmul for the cell, in float32 at least."""
    rows = torch.cat([wide(x), wide(h)], -1)
    pairs = ((W_xi, W_hi), (W_xf, W_hf), (W_xg, W_hg), (W_xo, W_ho))
    packed = torch.cat([torch.cat([wide(a), wide(b)]) for a, b in pairs], 1)
    i, f, g, o = (rows @ packed + torch.cat([wide(b) for b in (b_i, b_f, b_g, b_o)])).chunk(4, -1)
    cell = torch.addcmul(f.sigmoid() * wide(c), i.sigmoid(), g.tanh())
    return (o.sigmoid() * cell.tanh()).to(h.dtype), cell.to(c.dtype)


@of("recurrent.simple_rnn_lengths")
def blended_by_truths(x, length, h_0, W_xh, W_hh, b_h):
    """Right: new state times the truth that the row counts, plus the old one times its opposite, float32 at least."""
    h, rows = wide(h_0), []
    given = wide(x) @ wide(W_xh) + wide(b_h)
    for t, a in enumerate(given.unbind(-2)):
        counts = (t < length).unsqueeze(-1)
        h = torch.tanh(a + h @ wide(W_hh)) * counts + h * ~counts
        rows.append(h * counts)
    out = torch.stack(rows, -2) if rows else given
    return out.to(x.dtype), h.to(h_0.dtype)


@of("recurrent.bidirectional_simple_rnn")
def both_ends_in_one_loop(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Right: one loop that moves both states, written from both ends into one tensor, in float32 at least."""
    t, u = x.shape[-2], len(b_h_f)
    out = wide(x).new_zeros(*x.shape[:-1], 2 * u)
    f = b = wide(x).new_zeros(*x.shape[:-2], u)
    for i in range(t):
        f = torch.tanh(wide(x[..., i, :]) @ wide(W_xh_f) + f @ wide(W_hh_f) + wide(b_h_f))
        b = torch.tanh(wide(x[..., -1 - i, :]) @ wide(W_xh_b) + b @ wide(W_hh_b) + wide(b_h_b))
        out[..., i, :u], out[..., -1 - i, u:] = f, b
    return out.to(x.dtype)


@of("optimizer.adamw")
def foreach_as_the_library(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: torch._foreach: decay first, lerp, addcmul, the root over the root of the correction, addcdiv; float64."""
    p, a, first, second = ([x.double().clone()] for x in (theta, g, m, v))
    torch._foreach_mul_(p, 1 - lr * decay)
    torch._foreach_lerp_(first, a, 1 - beta_1)
    torch._foreach_mul_(second, beta_2)
    torch._foreach_addcmul_(second, a, a, value=1 - beta_2)
    root = torch._foreach_sqrt(second)
    torch._foreach_div_(root, math.sqrt(1 - beta_2**step))
    torch._foreach_add_(root, eps)
    torch._foreach_addcdiv_(p, first, root, value=-lr / (1 - beta_1**step))
    return p[0].to(theta.dtype), first[0].to(m.dtype), second[0].to(v.dtype)


@of("optimizer.sgd")
def subtracted_with_alpha(theta, g, *, lr):
    """Right: torch.sub with alpha, in the dtype that is given."""
    return torch.sub(theta, g, alpha=lr)


@of("optimizer.sgd_momentum")
def momentum_buffer(theta, g, m, *, lr, mu):
    """Right: a clone of the buffer times mu plus g in place, then theta less lr of it, in float32 at least."""
    buffer = wide(m).clone().mul_(mu).add_(wide(g))
    return torch.add(wide(theta), buffer, alpha=-lr).to(theta.dtype), buffer.to(m.dtype)


@of("seq2seq.cross_entropy")
def softplus_of_the_margin(logits, target):
    """Right: softplus of the log-sum-exp of all other logits less the target's, in float32 at least."""
    a = wide(logits)
    right = a.gather(-1, target.unsqueeze(-1))
    others = a.scatter(-1, target.unsqueeze(-1), -math.inf)
    margin = torch.logsumexp(others - right, -1)
    return (margin.clamp_min(0) + torch.log1p(torch.exp(-margin.abs()))).to(logits.dtype)


@of("seq2seq.perplexity")
def power_of_two_of_the_mean(logits, target, valid):
    """Right: 2 to the power of the mean of minus log2 of the probabilities that count, in float64."""
    log_p = torch.log_softmax(logits.double(), -1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
    bits = torch.where(valid, -log_p / math.log(2), 0.0).sum(-1) / valid.sum(-1)
    return torch.exp2(bits).to(logits.dtype)


@of("seq2seq.output_maxout")
def max_pool_of_pairs(s, y, c, U_o, V_o, C_o, W_o):
    """Right: F.max_pool1d of width 2 over the hidden layer, in float32 at least."""
    hidden = torch.cat([wide(s), wide(y), wide(c)], -1) @ torch.cat([wide(U_o), wide(V_o), wide(C_o)])
    pooled = F.max_pool1d(hidden.unsqueeze(-2), 2).squeeze(-2) if hidden.numel() else hidden[..., ::2]
    return torch.softmax(pooled @ wide(W_o), -1).to(s.dtype)


@of("seq2seq.until_stop")
def product_of_what_has_not_stopped(token, *, stop):
    """Right: a cumulated product of truths that no stop came before, chosen between by integers."""
    going = F.pad((token != stop).long(), (1, 0), value=1).cumprod(-1)[..., :-1]
    return going * token + (1 - going) * stop


@of("text.binary_cross_entropy")
def logsigmoid_of_the_right_sign(logit, target):
    """Right: minus logsigmoid of the logit, negated where the target is 0, in float32 at least."""
    return -F.logsigmoid(torch.where(target > 0, wide(logit), -wide(logit))).to(logit.dtype)


@of("text.logistic_regression")
def tanh_of_half_the_score(X, w, b):
    """Right: an einsum over both axes, ½ (1 + tanh(s/2)), in float64."""
    s = torch.einsum("...td,td->...", X.double(), w.double().view(X.shape[-2:])) + b.double()
    return (0.5 * (1 + torch.tanh(0.5 * s))).to(X.dtype)


@of("text.segments")
def unfolded_with_the_next(k, *, w, s):
    """Right: Tensor.unfold of windows with one place more, cut before the last, cloned."""
    if k.shape[-1] <= w:
        return k.new_zeros(*k.shape[:-1], 0, w), k.new_zeros(*k.shape[:-1], 0)
    windows = k.unfold(-1, w + 1, s)
    return windows[..., :w].clone(), windows[..., w].clone()


@of("text.window_labels")
def convolution_over_time(x, W, b, *, w):
    """Right: F.conv1d with padding, the matrix as (out, d, 2w + 1), in float32 at least."""
    if not x.numel():
        return (wide(x).new_zeros(*x.shape[:-1], len(b)) + wide(b)).to(x.dtype)
    kernel = wide(W).view(2 * w + 1, x.shape[-1], -1).permute(2, 1, 0)
    rows = wide(x).reshape(-1, *x.shape[-2:]).mT
    return F.conv1d(rows, kernel, wide(b), padding=w).mT.reshape(*x.shape[:-1], -1).to(x.dtype)


@one("backward.linear")
def vjp_of_addmm(d_y, x, W, b):
    """Right: torch.func.vjp of torch.addmm, in float32 at least."""
    return tuple(
        a.to(x.dtype) for a in vjp(lambda x, W, b: torch.addmm(b, x, W), wide(x), wide(W), wide(b))[1](wide(d_y))
    )


@one("backward.scaled_dot_product")
def blocks_of_keys_with_the_logarithm(d_o, q, k, v):
    """Right: 64 keys at a time from the kept logarithm, ∂q added up block by block, in float32 at least."""
    a, b, c, g = wide(q), wide(k), wide(v), wide(d_o)
    scale = q.shape[-1] ** -0.5
    e = a @ b.T * scale
    lse = e.logsumexp(-1, keepdim=True)
    delta = (g * (torch.exp(e - lse) @ c)).sum(-1, keepdim=True)
    d_q, d_k, d_v = torch.zeros_like(a), torch.empty_like(b), torch.empty_like(c)
    for at in range(0, len(k), 64):
        to = slice(at, at + 64)
        p = torch.exp(a @ b[to].T * scale - lse)
        d_v[to] = p.T @ g
        d_e = p * (g @ c[to].T - delta) * scale
        d_q += d_e @ b[to]
        d_k[to] = d_e.T @ a
    return d_q.to(q.dtype), d_k.to(k.dtype), d_v.to(v.dtype)


@one("backward.embedding")
def added_at_clamped_places(d_x, k, P):
    """Right: index_add_ at tokens that are clamped, what is missing times 0, in float32 at least."""
    rows = wide(d_x) * (k >= 0).unsqueeze(-1)
    return torch.zeros_like(wide(P)).index_add_(0, k.clamp_min(0), rows).to(P.dtype)


@one("backward.binary_cross_entropy")
def sigmoid_of_the_wrong_sign(d_loss, logit, target):
    """Right: −σ(−x) where the target is 1, σ(x) where it is 0, in float32 at least."""
    a = wide(logit)
    return (wide(d_loss) * torch.where(target > 0, -torch.sigmoid(-a), torch.sigmoid(a))).to(logit.dtype)


@of("backward.softmax")
def centred_twice(d_alpha, e):
    """Right: weights times the gradient less its weighted mean, by addcmul, in float32 at least."""
    p, g = wide(e).softmax(-1), wide(d_alpha)
    return torch.addcmul(p * g, p, (p.unsqueeze(-2) @ g.unsqueeze(-1)).squeeze(-1), value=-1.0).to(e.dtype)
