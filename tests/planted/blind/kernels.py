"""Faults of kernels: of tiles, masks, caches, memory and sizes, in PyTorch, before any verdict."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from attnspec import implements

imp = partial(implements, framework="torch")


def scores(q, k):
    return q @ k.mT / math.sqrt(q.shape[-1])


def sdp(q, k, v):
    return torch.softmax(scores(q, k), -1) @ v


def causal_mask(n, m):
    return torch.ones(n, m, dtype=torch.bool).tril(m - n)


@imp("attention.causal")
def empty_rows_read_mean(q, k, v):
    """Wrong: hidden scores are -1e9, so that a query before the first key reads the mean of all values, not 0."""
    e = scores(q, k).masked_fill(~causal_mask(q.shape[-2], k.shape[-2]), -1e9)
    return torch.softmax(e, -1) @ v


@imp("attention.scaled_dot_product")
def soft_capped(q, k, v):
    """Wrong: scores are capped softly, 30 tanh(e / 30), as in another model."""
    return torch.softmax(30 * torch.tanh(scores(q, k) / 30), -1) @ v


@imp("attention.scaled_dot_product")
def rescaled_upwards(q, k, v):
    """Wrong: the sums so far are multiplied by exp(new - old maximum), not by exp(old - new)."""
    m = k.shape[-2]
    if not m:
        return sdp(q, k, v)
    top = q.new_full((*q.shape[:-1], 1), -math.inf)
    total, o = 0, 0
    for j in range(0, m, 16):
        e = scores(q, k[..., j : j + 16, :])
        new = torch.maximum(top, e.amax(-1, keepdim=True))
        p = torch.exp(e - new)
        shrunk = torch.exp(new - top) if j else 0
        total, o, top = shrunk * total + p.sum(-1, keepdim=True), shrunk * o + p @ v[..., j : j + 16, :], new
    return o / total


KEPT_MASKS = {}


@imp("attention.causal")
def mask_cached_by_queries(q, k, v):
    """Wrong: the mask is kept between calls under the number of queries alone, cut or not seen behind its end."""
    n, m = q.shape[-2], k.shape[-2]
    keep = KEPT_MASKS.setdefault(n, causal_mask(n, m))
    if keep.shape[-1] < m:
        keep = F.pad(keep, (0, m - keep.shape[-1]), value=False)
    keep = keep[:, :m]
    e = scores(q, k).masked_fill(~keep, -math.inf)
    return torch.nan_to_num(torch.softmax(e, -1), nan=0.0) @ v


KEPT_SCALE = []


@imp("attention.scaled_dot_product")
def scale_of_first_call(q, k, v):
    """Wrong: the scale is computed at the first call and kept, whatever d is later."""
    if not KEPT_SCALE:
        KEPT_SCALE.append(1 / math.sqrt(q.shape[-1]))
    return torch.softmax(q @ k.mT * KEPT_SCALE[0], -1) @ v


@imp("attention.masked")
def mask_added_as_number(q, k, v, mask):
    """Wrong: the boolean mask is added to the scores as 0 and 1."""
    return torch.softmax(scores(q, k) + mask.to(q.dtype), -1) @ v


@imp("attention.incremental")
def ring_of_64(q, k_new, v_new, K, V):
    """Wrong: the query looks at the last 64 keys only, what a ring buffer would hold."""
    K = torch.cat([K, k_new.unsqueeze(-2)], -2)
    V = torch.cat([V, v_new.unsqueeze(-2)], -2)
    o = sdp(q.unsqueeze(-2), K[..., -64:, :], V[..., -64:, :]).squeeze(-2)
    return o, K, V


@imp("attention.merge")
def merge_in_base_two(o_1, lse_1, o_2, lse_2):
    """Wrong: natural logarithms are read as logarithms to base 2."""
    top = torch.maximum(lse_1, lse_2)
    safe = torch.where(top.isinf(), torch.zeros_like(top), top)
    p, r = torch.exp2(lse_1 - safe), torch.exp2(lse_2 - safe)
    total = p + r
    o = (p.unsqueeze(-1) * o_1 + r.unsqueeze(-1) * o_2) / torch.where(total > 0, total, 1.0).unsqueeze(-1)
    return o, safe + torch.log2(total)


@imp("attention.merge")
def merge_of_nothing(o_1, lse_1, o_2, lse_2):
    """Wrong: two parts without keys give NaN, exp(-inf + inf), in place of 0."""
    top = torch.maximum(lse_1, lse_2)
    p, r = torch.exp(lse_1 - top), torch.exp(lse_2 - top)
    o = (p.unsqueeze(-1) * o_1 + r.unsqueeze(-1) * o_2) / (p + r).unsqueeze(-1)
    return o, top + torch.log(p + r)


@imp("attention.with_lse")
def lse_infinite(q, k, v):
    """Wrong: without keys the log-sum-exp is plus infinity, as FlashAttention-2 has it."""
    e = scores(q, k)
    lse = torch.logsumexp(e, -1) if e.shape[-1] else e.new_full(e.shape[:-1], math.inf)
    return sdp(q, k, v), lse


@imp("self_attention.causal")
def masked_behind_softmax(x, W_q, W_k, W_v):
    """Wrong: softmax is over all keys, then masked and normalised again: 0/0 where all that is visible underflowed."""
    a = torch.softmax(scores(x @ W_q, x @ W_k), -1).tril()
    return a / a.sum(-1, keepdim=True) @ (x @ W_v)


def heads_of(y, heads):
    return y.reshape(*y.shape[:-1], heads, y.shape[-1] // heads).transpose(-2, -3)


def joined(c):
    return c.transpose(-2, -3).flatten(-2)


@imp("multihead.attention")
def grouped_heads(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: two heads share the keys and values of the even one (grouped queries)."""
    q, k, v = heads_of(x_q @ W_q, heads), heads_of(x_kv @ W_k, heads), heads_of(x_kv @ W_v, heads)
    of = [h // 2 * 2 for h in range(heads)]
    return joined(sdp(q, k[..., of, :, :], v[..., of, :, :])) @ W_o


@imp("multihead.self_attention_biased")
def fused_by_head(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Wrong: q, k and v are packed one behind the other, and unpacked as q, k, v of the first head, then the second."""
    y = x @ torch.cat([W_q, W_k, W_v], -1) + torch.cat([b_q, b_k, b_v], -1)
    q, k, v = y.reshape(*y.shape[:-1], heads, -1).chunk(3, -1)
    c = sdp(*(part.transpose(-2, -3) for part in (q, k, v)))
    return joined(c) @ W_o + b_o


@imp("multihead.masked")
def masks_repeated(x_q, x_kv, W_q, W_k, W_v, W_o, mask, *, heads):
    """Wrong: with one batch axis, heads are in front of examples but masks are repeated example by example.

    https://github.com/lsdefine/attention-is-all-you-need-keras/issues/36
    """
    q, k, v = heads_of(x_q @ W_q, heads), heads_of(x_kv @ W_k, heads), heads_of(x_kv @ W_v, heads)
    mask = mask.expand(*x_q.shape[:-1], x_kv.shape[-2])
    if x_q.ndim == 3:
        b = x_q.shape[0]
        keep = mask.repeat_interleave(heads, 0).reshape(heads, b, *mask.shape[1:]).transpose(0, 1)
    else:
        keep = mask.unsqueeze(-3)
    e = scores(q, k).masked_fill(~keep, -math.inf)
    return joined(torch.nan_to_num(torch.softmax(e, -1), nan=0.0) @ v) @ W_o


@imp("multihead.padded_biased")
def padding_silences_queries(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, *, heads):
    """Wrong: where there are as many queries as keys, outputs at padding are set to 0 too."""
    q, k, v = (heads_of(y, heads) for y in (x_q @ W_q + b_q, x_kv @ W_k + b_k, x_kv @ W_v + b_v))
    e = scores(q, k).masked_fill(~mask.unsqueeze(-2).unsqueeze(-3), -math.inf)
    y = joined(torch.nan_to_num(torch.softmax(e, -1), nan=0.0) @ v) @ W_o + b_o
    return y * mask.unsqueeze(-1) if x_q.shape[-2] == x_kv.shape[-2] else y


@imp("multihead.attention")
def weights_scaled_in_place(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: the scale is folded into the caller's W_q at each call, so that it shrinks from call to call."""
    W_q *= math.sqrt(heads / max(W_q.shape[-1], 1))
    q, k, v = heads_of(x_q @ W_q, heads), heads_of(x_kv @ W_k, heads), heads_of(x_kv @ W_v, heads)
    return joined(torch.softmax(q @ k.mT, -1) @ v) @ W_o


@imp("attention.bilinear")
def square_transposed(q, k, v, W):
    """Wrong: where W is square, it is applied transposed."""
    W = W.mT if W.shape[-1] == W.shape[-2] else W
    return torch.softmax(q @ W @ k.mT, -1) @ v


@imp("scores.scaled_dot")
def tail_not_written(q, k):
    """Wrong: the result is allocated empty, and rows behind the last full tile of 16 queries are never written."""
    n = q.shape[-2]
    out = torch.empty(*q.shape[:-1], k.shape[-2], dtype=q.dtype)
    end = n - n % 16 if n > 16 else n
    out[..., :end, :] = scores(q[..., :end, :], k)
    return out


CALLS = [0]


@imp("attention.context_vector")
def one_in_thirty(alpha, h):
    """Wrong: in one call of thirty the last row of the states is not read, as with a missing barrier."""
    CALLS[0] += 1
    if CALLS[0] % 30 == 0:
        alpha, h = alpha[..., :-1], h[..., :-1, :]
    return alpha @ h


@imp("transformer.layer_norm")
def chunks_weigh_the_same(x, gamma, beta, *, eps):
    """Wrong: means of chunks of 32 are merged with equal weights, also that of a shorter last chunk."""
    means = torch.stack([part.mean(-1) for part in x.split(32, -1)], -1)
    c = x - means.mean(-1, keepdim=True)
    variance = (c * c).mean(-1, keepdim=True)
    return c / torch.sqrt(variance + eps) * gamma + beta


@imp("transformer.layer_norm")
def strides_ignored(x, gamma, beta, *, eps):
    """Wrong: memory is read as if x were contiguous.

    https://github.com/ELS-RD/kernl/issues/193
    """
    strides, step = [], 1
    for size in reversed(x.shape):
        strides.insert(0, step)
        step *= size
    room = x.untyped_storage().nbytes() // x.element_size() - x.storage_offset()
    y = torch.as_strided(x, x.shape, strides) if step <= room else x
    return F.layer_norm(y, y.shape[-1:], gamma, beta, eps)


@imp("transformer.layer_norm")
def eps_in_half(x, gamma, beta, *, eps):
    """Wrong: eps is rounded to half precision first, so that 1e-12 becomes 0.

    https://github.com/nntrainer/nntrainer/pull/4318
    """
    small = torch.tensor(eps, dtype=torch.float16).to(x.dtype)
    c = x - x.mean(-1, keepdim=True)
    return c / torch.sqrt((c * c).mean(-1, keepdim=True) + small) * gamma + beta


@imp("transformer.layer_norm")
def gain_plus_one(x, gamma, beta, *, eps):
    """Wrong: the gain is 1 + gamma, as for weights that are stored around 0."""
    return F.layer_norm(x, x.shape[-1:], 1 + gamma, beta, eps)


@imp("transformer.layer_norm")
def shift_scaled(x, gamma, beta, *, eps):
    """Wrong: beta is added before the gain, so that gamma multiplies it too."""
    return gamma * (F.layer_norm(x, x.shape[-1:], None, None, eps) + beta)


@imp("transformer.encoder_layer")
def residual_behind_norm(x, W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps):
    """Wrong: the sub-layer's output is normalised, then the residual is added, x + norm(f(x))."""
    q, k, v = (heads_of(x @ W, heads) for W in (W_q, W_k, W_v))
    c = x.shape[-1:]
    y = x + F.layer_norm(joined(sdp(q, k, v)) @ W_o, c, gamma_1, beta_1, eps)
    return y + F.layer_norm(torch.relu(y @ W_1 + b_1) @ W_2 + b_2, c, gamma_2, beta_2, eps)


@imp("transformer.decoder_only_layer")
def parallel_block(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps
):
    """Wrong: attention and feed-forward network both read the layer's input x, as in GPT-J."""
    c, t = x.shape[-1:], x.shape[-2]
    n = F.layer_norm(x, c, gamma_1, beta_1, eps)
    q, k, v = (heads_of(n @ W + b, heads) for W, b in ((W_q, b_q), (W_k, b_k), (W_v, b_v)))
    e = scores(q, k).masked_fill(~causal_mask(t, t), -math.inf)
    a = joined(torch.softmax(e, -1) @ v) @ W_o + b_o
    f = F.gelu(F.layer_norm(x, c, gamma_2, beta_2, eps) @ W_1 + b_1, approximate="tanh") @ W_2 + b_2
    return x + a + f


@imp("backward.linear")
def square_not_transposed(d_y, x, W, b):
    """Wrong: where W is square, the gradient of x goes through W, not through its transpose."""
    d, e = W.shape
    rows, grads = x.reshape(-1, d), d_y.reshape(-1, e)
    return d_y @ (W if d == e else W.mT), rows.mT @ grads, grads.sum(0)


@imp("backward.layer_norm")
def gain_of_first_rows(d_y, x, gamma, beta, *, eps):
    """Wrong: of more than 1,024 rows the gradients of gain and shift gather only the first 1,024."""
    mu = x.mean(-1, keepdim=True)
    s = torch.sqrt(((x - mu) ** 2).mean(-1, keepdim=True) + eps)
    hat = (x - mu) / s
    g = d_y * gamma
    d_x = (g - g.mean(-1, keepdim=True) - hat * (g * hat).mean(-1, keepdim=True)) / s
    d = x.shape[-1:]
    return d_x, (d_y * hat).reshape(-1, *d)[:1024].sum(0), d_y.reshape(-1, *d)[:1024].sum(0)


@imp("backward.causal")
def diagonal_hidden_in_backward(d_o, q, k, v):
    """Wrong: in the backward pass a query does not hand back to the key of its own position."""
    n, m = q.shape[-2], k.shape[-2]
    keep = causal_mask(n, m)
    p = torch.nan_to_num(torch.softmax(scores(q, k).masked_fill(~keep, -math.inf), -1), nan=0.0)
    delta = (d_o * (p @ v)).sum(-1, keepdim=True)
    d_e = p * (d_o @ v.mT - delta) * torch.ones(n, m).tril(m - n - 1) / math.sqrt(q.shape[-1])
    return d_e @ k, d_e.mT @ q, p.mT @ d_o


@imp("backward.embedding_padding_idx")
def padding_always_first(d_x, k, P, *, padding_idx):
    """Wrong: the row of padding is taken to be 0, whatever padding_idx is."""
    rows, grads = k.reshape(-1), d_x.reshape(-1, d_x.shape[-1])
    live = rows > 0
    return torch.zeros_like(P).index_add(0, rows[live], grads[live])


@imp("backward.embedding_padding_idx")
def padding_learns_when_long(d_x, k, P, *, padding_idx):
    """Wrong: of more than 768 tokens, another kernel is used, which does not know of padding.

    https://github.com/pytorch/pytorch/issues/28716
    """
    rows, grads = k.reshape(-1), d_x.reshape(-1, d_x.shape[-1])
    live = rows >= 0
    if rows.numel() <= 768:
        live &= rows != padding_idx
    return torch.zeros_like(P).index_add(0, rows[live], grads[live])


@imp("backward.lstm_gates")
def tanh_of_old_cell(d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho):
    """Wrong: the backward pass takes tanh of the cell state before the step, not of the one behind it."""
    y = torch.tanh(c)
    d = d_c_next + d_h_next * o * (1 - y * y)
    di, df, dg, do = d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g * g), d_h_next * y * o * (1 - o)
    return di @ W_hi.mT + df @ W_hf.mT + dg @ W_hg.mT + do @ W_ho.mT, d * f, di, df, dg, do


@imp("transformer.layer_norm", backward=True)
def gain_detached(x, gamma, beta, *, eps):
    """Wrong: in the gradient of x the gain is left out, in a backward pass written by hand."""
    return LayerNormWithoutGain.apply(x, gamma, beta, eps)


class LayerNormWithoutGain(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        mu = x.mean(-1, keepdim=True)
        s = torch.sqrt(((x - mu) ** 2).mean(-1, keepdim=True) + eps)
        hat = (x - mu) / s
        ctx.save_for_backward(hat, s)
        return hat * gamma + beta

    @staticmethod
    def backward(ctx, d_y):
        hat, s = ctx.saved_tensors
        d_x = (d_y - d_y.mean(-1, keepdim=True) - hat * (d_y * hat).mean(-1, keepdim=True)) / s
        rows = tuple(range(d_y.ndim - 1))
        return d_x, (d_y * hat).sum(rows), d_y.sum(rows), None
