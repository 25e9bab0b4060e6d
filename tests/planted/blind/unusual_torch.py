"""Right, in PyTorch: vmap, own backward passes, out=, in place on copies, packed weights, optimisers of the library."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from attnspec import implements

of = partial(implements, framework="torch")
ALL = ("float64", "float32", "float16", "bfloat16")
wide = partial(implements, framework="torch", dtypes=ALL)


def single(q, k, v):
    return torch.softmax(torch.einsum("id,jd->ij", q, k) * q.shape[-1] ** -0.5, -1) @ v


@of("attention.scaled_dot_product")
def mapped_over_the_batch(q, k, v):
    """Right: written for one example, and mapped over each leading axis by torch.func.vmap."""
    f = single
    for _ in range(q.ndim - 2):
        f = torch.func.vmap(f)
    return f(q, k, v)


@wide("attention.scaled_dot_product")
def accumulated_in_single(q, k, v):
    """Right: half inputs, scores and sums in float32, as tensor cores have it; float64 stays."""
    t = torch.promote_types(q.dtype, torch.float32)
    e = (q.to(t) @ k.to(t).mT) / math.sqrt(q.shape[-1])
    return (torch.softmax(e, -1) @ v.to(t)).to(q.dtype)


class Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        ctx.save_for_backward(q, k, v)
        s = q.shape[-1] ** -0.5
        out = q.new_zeros((*q.shape[:-1], v.shape[-1]))
        for i in range(0, q.shape[-2], 32):
            out[..., i : i + 32, :] = torch.softmax(q[..., i : i + 32, :] * s @ k.mT, -1) @ v
        return out

    @staticmethod
    def backward(ctx, g):
        q, k, v = ctx.saved_tensors
        s = q.shape[-1] ** -0.5
        d_q, d_k, d_v = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for i in range(0, q.shape[-2], 32):
            rows, g_i = q[..., i : i + 32, :], g[..., i : i + 32, :]
            p = torch.softmax(rows @ k.mT * s, -1)
            d_v += p.mT @ g_i
            d_p = g_i @ v.mT
            d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True))
            d_q[..., i : i + 32, :] = d_e @ k * s
            d_k += d_e.mT @ rows * s
        return d_q, d_k, d_v


@of("attention.scaled_dot_product", dtypes=("float64", "float32"))
@of("attention.scaled_dot_product", backward=True, dtypes=("float64", "float32"))
def blocks_of_rows_recomputed(q, k, v):
    """Right: blocks of 32 queries; the backward pass makes the weights anew, block by block."""
    return Recomputed.apply(q, k, v)


@of("attention.masked", backward=True)
@of("attention.masked")
def the_librarys_with_empty_rows(q, k, v, mask):
    """Right: the library's kernel with an additive bias; rows without keys see all and are set to 0 by where."""
    if not q.shape[-2] or not k.shape[-2]:
        return q @ k.mT @ v
    some = mask.any(-1, keepdim=True)
    bias = torch.zeros(mask.shape, dtype=q.dtype).masked_fill(~mask & some, -math.inf)
    return torch.where(some, F.scaled_dot_product_attention(q, k, v, attn_mask=bias), 0)


@wide("attention.padded")
def lowest_number_then_zeroed(q, k, v, mask):
    """Right: padding gets the lowest number of float32, its weights are multiplied by 0, as in older BERTs."""
    t = torch.promote_types(q.dtype, torch.float32)
    e = q.to(t) @ k.to(t).mT / math.sqrt(q.shape[-1])
    seen = mask[..., None, :]
    p = torch.softmax(e.masked_fill(~seen, torch.finfo(t).min), -1) * seen
    return (p @ v.to(t)).to(q.dtype)


@of("attention.causal", backward=True)
@of("attention.causal")
def row_by_row(q, k, v):
    """Right: each query reads a slice of the keys; the rows are stacked."""
    n, m = q.shape[-2], k.shape[-2]
    rows = []
    for i in range(n):
        end = max(0, i + 1 + m - n)
        e = (k[..., :end, :] @ q[..., i, :, None]).squeeze(-1) / math.sqrt(q.shape[-1])
        rows.append((torch.softmax(e, -1).unsqueeze(-2) @ v[..., :end, :]).squeeze(-2))
    return torch.stack(rows, -2) if rows else q @ k.mT @ v


@of("attention.blocked")
def all_keys_at_once(q, k, v, *, block):
    """Right: the size of the blocks does not change the function, and is not used."""
    return F.scaled_dot_product_attention(q, k, v) if k.shape[-2] else q @ k.mT @ v


@of("attention.value_map")
def associated_otherwise(alpha, h, W_v):
    """Right: the states are weighted first, and multiplied by the matrix afterwards."""
    return (alpha @ h) @ W_v


@of("attention.linear_weights", backward=True)
@of("attention.linear_weights")
def by_baddbmm(e, v):
    """Right: baddbmm on a flattened batch, with beta 0."""
    lead = e.shape[:-2]
    a, b = (
        e.reshape(-1, *e.shape[-2:]) if e.ndim > 2 else e[None],
        v.reshape(-1, *v.shape[-2:]) if v.ndim > 2 else v[None],
    )
    out = torch.baddbmm(e.new_zeros(()), a, b, beta=0)
    return out.reshape(*lead, e.shape[-2], v.shape[-1])


@of("attention.into_readout")
def two_products(s, a, W, b):
    """Right: the two halves of the matrix are views, and addmm adds the second product."""
    u = s.shape[-1]
    return torch.add(s @ W[:u] + b, a @ W[u:])


@of("attention.into_next_step")
def copied_into_place(x, a):
    """Right: two slices of a new tensor are written."""
    out = x.new_empty((*x.shape[:-1], x.shape[-1] + a.shape[-1]))
    out[..., : x.shape[-1]].copy_(x)
    out[..., x.shape[-1] :].copy_(a)
    return out


@of("attention_rnn.attentive_decode", backward=True)
@of("attention_rnn.attentive_decode")
def keys_made_once(x, h, A, b, W_q, W_k):
    """Right: keys and the inputs' part of the step are made before the loop."""
    d, u = x.shape[-1], h.shape[-1]
    keys, inputs = h @ W_k, x @ A[:d] + b
    A_s, A_c = A[d : d + u], A[d + u :]

    def read(s):
        e = (keys @ (s @ W_q).unsqueeze(-1)).squeeze(-1)
        return (torch.softmax(e, -1).unsqueeze(-2) @ h).squeeze(-2)

    s = h[..., -1, :]
    c = read(s)
    states, contexts = [], []
    for a in inputs.unbind(-2):
        s = torch.tanh(a + s @ A_s + c @ A_c)
        c = read(s)
        states.append(s)
        contexts.append(c)
    if not states:
        return inputs.new_zeros(inputs.shape), inputs.new_zeros(inputs.shape)
    return torch.stack(states, -2), torch.stack(contexts, -2)


@of("attention_rnn.readout_step")
def by_the_librarys_cell(y, s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o):
    """Right: torch.rnn_tanh_cell with weights turned; the query goes through W_kᵀ."""
    lead = y.shape[:-1]
    zero = torch.zeros_like(b_h)
    s_next = torch.rnn_tanh_cell(
        y.reshape(-1, y.shape[-1]), s.reshape(-1, s.shape[-1]), W_xh.T.contiguous(), W_hh.T.contiguous(), b_h, zero
    ).reshape(*lead, s.shape[-1])
    e = (h @ (W_k @ (s_next @ W_q).unsqueeze(-1))).squeeze(-1)
    c = torch.einsum("...m,...mk->...k", torch.softmax(e, -1), h)
    return s_next, F.linear(torch.cat([s_next, c], -1), W_o.T, b_o)


@of("recurrent.gru_cell_reset_after", backward=True)
@of("recurrent.gru_cell_reset_after")
def gru_cell_of_the_library(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: torch.gru_cell with the gates packed r, z, n and biases on the input's side."""
    lead = x.shape[:-1]
    W_i, W_h = torch.cat([W_xr, W_xz, W_xh], 1).T, torch.cat([W_hr, W_hz, W_hh], 1).T
    none = torch.zeros_like(b_hh)
    out = torch.gru_cell(
        x.reshape(-1, x.shape[-1]), h.reshape(-1, h.shape[-1]), W_i, W_h,
        torch.cat([b_r, b_z, b_h]), torch.cat([none, none, b_hh]),
    )  # fmt: skip
    return out.reshape(*lead, h.shape[-1])


@wide("recurrent.lstm_cell")
def one_product_in_chunks(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: [x, h] times one packed matrix, in float32 at least, cut into four by chunk; in place on the chunks."""
    t = torch.promote_types(x.dtype, torch.float32)
    W = torch.cat([torch.cat(p, 1) for p in ((W_xi, W_xf, W_xg, W_xo), (W_hi, W_hf, W_hg, W_ho))], 0).to(t)
    a = torch.cat([x, h], -1).to(t) @ W + torch.cat([b_i, b_f, b_g, b_o]).to(t)
    i, f, g, o = a.chunk(4, -1)
    c_next = c.to(t) * f.sigmoid_() + i.sigmoid_() * g.tanh_()
    return (o.sigmoid_() * torch.tanh(c_next)).to(x.dtype), c_next.to(x.dtype)


@of("recurrent.lstm_lengths")
def frozen_by_where(x, length, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: all steps are computed, and where a row has ended its state is kept by lerp with a weight of 0 or 1."""
    W_x, W_h = torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    a, h, c = x @ W_x + torch.cat([b_i, b_f, b_g, b_o]), h_0, c_0
    out = x.new_zeros((*x.shape[:-1], h_0.shape[-1]))
    for t in range(x.shape[-2]):
        i, f, g, o = (a[..., t, :] + h @ W_h).chunk(4, -1)
        new_c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        new_h = torch.sigmoid(o) * torch.tanh(new_c)
        runs = (length > t).unsqueeze(-1)
        h, c = torch.where(runs, new_h, h), torch.where(runs, new_c, c)
        out[..., t, :] = new_h * runs
    return out, h, c


@of("recurrent.many_to_many")
def the_librarys_rnn(x, h_0, W_xh, W_hh, b_h, W_hy, b_y):
    """Right: nn.RNN's function with the batch first, then one linear layer for all steps."""
    if not x.shape[-2] or not x.numel() or not h_0.numel():
        h, states = h_0, []
        for a in x.unbind(-2):
            h = torch.tanh(a @ W_xh + h @ W_hh + b_h)
            states.append(h)
        y = torch.stack(states, -2) if states else h_0.unsqueeze(-2)[..., :0, :]
        return y @ W_hy + b_y
    lead = x.shape[:-2]
    weights = [W_xh.T.contiguous(), W_hh.T.contiguous(), b_h, torch.zeros_like(b_h)]
    y, _ = torch.rnn_tanh(
        x.reshape(-1, *x.shape[-2:]), h_0.reshape(1, -1, h_0.shape[-1]).contiguous(), weights, True, 1, 0.0, False,
        False, True,
    )  # fmt: skip
    return F.linear(y, W_hy.T, b_y).reshape(*lead, x.shape[-2], -1)


@of("seq2seq.cross_entropy", dtypes=("float64", "float32"))
def margin_to_the_target(logits, target):
    """Right: logsumexp of the differences to the target's logit."""
    own = logits.gather(-1, target.unsqueeze(-1))
    return torch.logsumexp(logits - own, -1)


@of("seq2seq.sequence_loss", backward=True)
@of("seq2seq.sequence_loss")
def summed_by_nll(logits, target, valid):
    """Right: log_softmax, nll_loss with -100 where it does not count, summed and divided by the count."""
    log_p = F.log_softmax(logits, -1)
    marked = torch.where(valid, target, -100)
    loss = F.nll_loss(log_p.flatten(0, -2), marked.flatten(), reduction="none").reshape(target.shape)
    return loss.sum(-1) / valid.sum(-1)


@of("seq2seq.distillation_logits")
def by_divergence(logits_teacher, logits_student, *, tau):
    """Right: a product of softmax and log_softmax, with 1/τ as a factor."""
    s = 1 / tau
    return -(F.softmax(logits_teacher * s, -1) * F.log_softmax(logits_student * s, -1)).sum(-1)


@of("seq2seq.sample")
def counted_up(p, uniform):
    """Right: cumsum, then bucketing by a count, cut at the last word."""
    c = torch.cumsum(p, -1)
    return (c <= uniform.unsqueeze(-1)).sum(-1).clamp_(max=p.shape[-1] - 1)


@of("seq2seq.greedy_decode_lstm")
def ends_when_all_have_ended(
    s_0, c_0, E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, *, start, stop, limit
):
    """Right: the loop ends once every example has said `stop`; the rest was filled with it beforehand."""
    lead = s_0.shape[:-1]
    W_x, W_h = torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    bias = torch.cat([b_i, b_f, b_g, b_o])
    out = torch.full((*lead, limit), stop, dtype=torch.int64)
    token, s, c = torch.full(lead, start, dtype=torch.int64), s_0, c_0
    over = torch.zeros(lead, dtype=torch.bool)
    for j in range(limit):
        i, f, g, o = (E[token] @ W_x + s @ W_h + bias).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        s = torch.sigmoid(o) * torch.tanh(c)
        token = torch.argmax(s @ W_hy + b_y, -1)
        out[..., j] = torch.where(over, stop, token)
        over = over | (token == stop)
        if bool(over.all()):
            break
    return out


def norm(x, gamma, beta, eps):
    return F.layer_norm(x, x.shape[-1:], gamma, beta, eps)


def heads_of(y, heads):
    return (
        y.unflatten(-1, (heads, -1)).transpose(-2, -3)
        if y.shape[-1]
        else y.reshape(*y.shape[:-1], heads, 0).transpose(-2, -3)
    )


@of("generation.transformer_next")
def prefix_alone(
    tokens, length, z, P, W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
    W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b, *, start, heads, eps,
):  # fmt: skip
    """Right: one example at a time, only the last row of the prefix is asked; keys and values of the prefix alone."""
    if length.ndim:
        rest = (P, W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
                W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b)  # fmt: skip
        each = [
            prefix_alone(a, n, y, *rest, start=start, heads=heads, eps=eps)
            for a, n, y in zip(tokens, length, z, strict=True)
        ]
        return torch.stack(each) if each else z.new_zeros((0, W.shape[-1]))
    n, c = int(length), P.shape[-1]
    read = torch.cat([torch.tensor([start]), tokens[:n]])
    j = torch.arange(c)
    angle = torch.arange(n + 1, dtype=torch.float64)[:, None] / 10000 ** ((j - j % 2) / c).double()
    x = P[read] * math.sqrt(c) + torch.where(j % 2 == 0, angle.sin(), angle.cos()).to(P.dtype)

    def attend(row, rows, W_q, W_k, W_v, W_o):
        q, k, v = heads_of(row @ W_q, heads), heads_of(rows @ W_k, heads), heads_of(rows @ W_v, heads)
        return (torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v).transpose(-2, -3).flatten(-2) @ W_o

    row = x[-1:]
    y = norm(row + attend(row, x, W_q_s, W_k_s, W_v_s, W_o_s), gamma_1, beta_1, eps)
    u = norm(y + attend(y, z, W_q_c, W_k_c, W_v_c, W_o_c), gamma_2, beta_2, eps)
    o = norm(u + torch.relu(u @ W_1 + b_1) @ W_2 + b_2, gamma_3, beta_3, eps)
    return (o @ W + b)[0]


@of("multihead.attention", backward=True)
@of("multihead.attention")
def heads_in_the_batch(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: heads and batch as one axis of bmm, as older modules have it; the query is scaled first."""
    lead, n, m = x_q.shape[:-2], x_q.shape[-2], x_kv.shape[-2]
    d, size = W_q.shape[1] // heads, math.prod(lead) * heads

    def flat(y, rows):
        return y.reshape(*lead, rows, heads, d).transpose(-2, -3).reshape(size, rows, d)

    q, k, v = flat(x_q @ W_q, n) * d**-0.5, flat(x_kv @ W_k, m), flat(x_kv @ W_v, m)
    o = torch.bmm(torch.softmax(torch.bmm(q, k.mT), -1), v)
    return o.reshape(*lead, heads, n, d).transpose(-2, -3).reshape(*lead, n, heads * d) @ W_o


@of("multihead.masked_biased")
def the_librarys_function(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, *, heads):
    """Right: multi_head_attention_forward with the mask turned over, one example at a time; no weights returned."""
    if x_q.ndim == 2:
        x_q, x_kv, mask = x_q[None], x_kv[None], mask[None]
        return the_librarys_function(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)[0]
    some, out = mask.any(-1), []
    for a, s, hidden, lives in zip(x_q, x_kv, ~mask, some, strict=True):
        if not a.shape[0] or not s.shape[0] or W_q.shape[0] != W_q.shape[1]:
            q, k, v = heads_of(a @ W_q + b_q, heads), heads_of(s @ W_k + b_k, heads), heads_of(s @ W_v + b_v, heads)
            p = torch.softmax((q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf), -1)
            y = (p.nan_to_num(0) @ v).transpose(-2, -3).flatten(-2) @ W_o + b_o
        else:
            y, _ = F.multi_head_attention_forward(
                a[:, None], s[:, None], s[:, None], a.shape[1], heads, torch.cat([W_q, W_k, W_v], 1).T,
                torch.cat([b_q, b_k, b_v]), None, None, False, 0.0, W_o.T, b_o, training=False, need_weights=False,
                attn_mask=hidden & lives[:, None],
            )  # fmt: skip
            y = torch.where(lives[:, None], y[:, 0], b_o)
        out.append(y)
    return torch.stack(out) if out else x_q.new_zeros((0, x_q.shape[-2], W_o.shape[-1]))


@of("self_attention.qkv")
def views_of_one_product(x, W_q, W_k, W_v):
    """Right: one product, of which the three answers are views by split."""
    d, e = W_q.shape[1], W_v.shape[1]
    return torch.split(x @ torch.cat([W_q, W_k, W_v], 1), [d, d, e], -1)


@of("self_attention.scaled")
def one_matrix_for_both(x, W_q, W_k, W_v):
    """Right: W_q W_kᵀ is folded in float64, values after the weights: (α x) W_v."""
    M = (W_q.double() @ W_k.double().T / math.sqrt(W_q.shape[1])).to(x.dtype)
    return (torch.softmax(x @ M @ x.mT, -1) @ x) @ W_v


@of("self_attention.cross")
def by_einsum_alone(x_q, x, W_q, W_k, W_v):
    """Right: one einsum of four for the scores, one of three for the output."""
    e = torch.einsum("...nc,cd,bd,...mb->...nm", x_q, W_q, W_k, x) / math.sqrt(W_q.shape[1])
    return torch.einsum("...nm,...mb,be->...ne", torch.softmax(e, -1), x, W_v)


class OwnNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        mean = x.mean(-1, keepdim=True)
        centred = x - mean
        r = torch.rsqrt((centred * centred).mean(-1, keepdim=True) + eps)
        x_hat = centred * r
        ctx.save_for_backward(x, gamma)
        ctx.eps = eps
        return x_hat * gamma + beta

    @staticmethod
    def backward(ctx, g):
        x, gamma = ctx.saved_tensors
        centred = x - x.mean(-1, keepdim=True)
        r = torch.rsqrt((centred * centred).mean(-1, keepdim=True) + ctx.eps)
        x_hat = centred * r
        lead = tuple(range(g.ndim - 1))
        a = g * gamma
        d_x = r * (a - a.mean(-1, keepdim=True) - x_hat * (a * x_hat).mean(-1, keepdim=True))
        d_gamma, d_beta = g * x_hat, g
        return d_x, d_gamma.sum(lead) if lead else d_gamma, d_beta.sum(lead) if lead else d_beta, None


@of("transformer.layer_norm", backward=True, double_backward=True, dtypes=("float64", "float32"))
@of("transformer.layer_norm")
def own_function(x, gamma, beta, *, eps):
    """Right: an autograd function that keeps its inputs alone, so that its backward pass can be differentiated."""
    return OwnNorm.apply(x, gamma, beta, eps)


@wide("transformer.feed_forward")
def in_place_on_its_own(x, W_1, b_1, W_2, b_2):
    """Right: float32 at least; the hidden layer is clipped in place, the output is added to in place."""
    t = torch.promote_types(x.dtype, torch.float32)
    a = x.to(t) @ W_1.to(t)
    a.add_(b_1.to(t)).clamp_(min=0)
    return a.matmul(W_2.to(t)).add_(b_2.to(t)).to(x.dtype)


@of("transformer.encoder_layer_pre", backward=True)
@of("transformer.encoder_layer_pre")
def packed_and_compact(x, W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps):
    """Right: one product for queries, keys and values, the library's attention and norm, residuals by addmm's order."""
    c = x.shape[-1]
    qkv = F.layer_norm(x, (c,), gamma_1, beta_1, eps) @ torch.cat([W_q, W_k, W_v], 1)
    q, k, v = (heads_of(y, heads) for y in qkv.chunk(3, -1))
    a = F.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2)
    y = torch.add(a @ W_o, x)
    hidden = F.relu(F.linear(F.layer_norm(y, (c,), gamma_2, beta_2, eps), W_1.T, b_1))
    return y + F.linear(hidden, W_2.T, b_2)


@of("transformer.linear")
def into_out(x, W, b):
    """Right: torch.matmul with out=, then the bias with out= into the same tensor."""
    y = torch.empty((*x.shape[:-1], W.shape[1]), dtype=x.dtype)
    torch.matmul(x, W, out=y)
    return torch.add(y, b, out=y)


@of("transformer.residual")
def added_into_a_copy(x, f_x):
    """Right: a copy of the sub-layer's output, to which the input is added in place."""
    return f_x.clone().add_(x)


_workspace = {}


@of("transformer.logits")
def workspace_reused(y, W, b):
    """Right: the product goes into a workspace that is kept by shape; what is returned is a new tensor."""
    key = (*y.shape[:-1], W.shape[1]), y.dtype
    if key not in _workspace:
        _workspace[key] = torch.empty(key[0], dtype=key[1])
    torch.matmul(y.detach(), W.detach(), out=_workspace[key])
    return _workspace[key] + b


@of("position.learned")
def by_the_embedding(a, P):
    """Right: F.embedding of the positions, added."""
    return a + F.embedding(torch.arange(a.shape[-2]), P)


@wide("position.add")
def added_in_single(a, e):
    """Right: added in float32 and rounded, which for two numbers is the same."""
    t = torch.promote_types(a.dtype, torch.float32)
    return (a.to(t) + e.to(t)).to(a.dtype)


def stepped(kind, theta, g, state, **options):
    p = nn.Parameter(theta.clone())
    optimiser = kind([p], **options)
    p.grad = g.clone()
    optimiser.state[p].update({name: x.clone() if isinstance(x, torch.Tensor) else x for name, x in state.items()})
    optimiser.step()
    return p.detach(), optimiser.state[p]


@of("optimizer.adamw", dtypes=("float64", "float32"))
def adamw_of_the_library(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: torch.optim.AdamW with its state set to that of the step before."""
    state = {"step": torch.tensor(float(step - 1)), "exp_avg": m, "exp_avg_sq": v}
    p, s = stepped(
        torch.optim.AdamW, theta, g, state, lr=lr, betas=(beta_1, beta_2), eps=eps, weight_decay=decay, foreach=False
    )
    return p, s["exp_avg"], s["exp_avg_sq"]


@of("optimizer.sgd_momentum", dtypes=("float64", "float32"))
def sgd_of_the_library(theta, g, m, *, lr, mu):
    """Right: torch.optim.SGD with its buffer set."""
    p, s = stepped(torch.optim.SGD, theta, g, {"momentum_buffer": m}, lr=lr, momentum=mu, foreach=True)
    return p, s["momentum_buffer"]


@wide("text.embedding")
def one_row_more(k, P):
    """Right: the table gets a row of zeros, which missing tokens read."""
    table = torch.cat([P, P.new_zeros((1, P.shape[1]))])
    return F.embedding(torch.where(k < 0, P.shape[0], k), table)


@of("text.binary_cross_entropy", backward=True)
@of("text.binary_cross_entropy")
def by_log_sigmoid(logit, target):
    """Right: minus the log of the sigmoid of the logit, or of its negative."""
    return -F.logsigmoid(torch.where(target > 0, logit, -logit))


@of("text.window_labels")
def by_convolution(x, W, b, *, w):
    """Right: a convolution over time with a kernel of 2w + 1, padded with zeros."""
    lead, (t, d) = x.shape[:-2], x.shape[-2:]
    kernel = W.reshape(2 * w + 1, d, -1).permute(2, 1, 0)
    if not t or not d or not W.shape[1] or 0 in lead:
        return x.new_zeros((*lead, t, W.shape[1])) + b
    y = F.conv1d(x.reshape(-1, t, d).mT, kernel, b, padding=w)
    return y.mT.reshape(*lead, t, -1)


@of("cost.lstm_parameters_two_biases")
def counted_of_the_module(*, d, u):
    """Right: the parameters of an nn.LSTM on the device meta."""
    return sum(p.numel() for p in nn.LSTM(d, u, device="meta").parameters())


@of("backward.layer_norm", batch=(0,))
def native_backward(d_y, x, gamma, beta, *, eps):
    """Right: PyTorch's own backward of its layer norm, for one example."""
    _, mean, r = torch.native_layer_norm(x, x.shape, gamma, beta, eps)
    return torch.ops.aten.native_layer_norm_backward(d_y, x, x.shape, mean, r, gamma, beta, [True] * 3)


@of("backward.scaled_dot_product")
def two_passes_in_tiles(d_o, q, k, v):
    """Right: FlashAttention's backward: statistics first, then tiles of 16 keys that add to the queries' gradient."""
    s = q.shape[-1] ** -0.5
    lse = torch.logsumexp(q @ k.mT * s, -1, keepdim=True)
    o = torch.exp(q @ k.mT * s - lse) @ v if k.shape[-2] else q @ k.mT @ v
    D = (d_o * o).sum(-1, keepdim=True)
    d_q, d_k, d_v = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
    for j in range(0, k.shape[-2], 16):
        at = (..., slice(j, j + 16), slice(None))
        p = torch.exp(q @ k[at].mT * s - lse)
        d_v[at] = p.mT @ d_o
        d_e = p * (d_o @ v[at].mT - D)
        d_q += d_e @ k[at] * s
        d_k[at] = d_e.mT @ q * s
    return d_q, d_k, d_v


@of("backward.simple_rnn_cell", batch=(0,))
def by_vjp(d_h_next, x, h, W_xh, W_hh, b_h):
    """Right: torch.func.vjp of the forward step."""
    _, back = torch.func.vjp(lambda *a: torch.tanh(a[0] @ a[2] + a[1] @ a[3] + a[4]), x, h, W_xh, W_hh, b_h)
    return back(d_h_next)


class GatedUnit(nn.Module):
    """Keeps its weights packed, the gates z, r, n; the update gate keeps."""

    def __init__(self, d, u):
        super().__init__()
        self.gates = nn.Linear(d + u, 2 * u)
        self.candidate = nn.Linear(d + u, u)

    def forward(self, x, h):
        z, r = torch.sigmoid(self.gates(torch.cat([x, h], -1))).chunk(2, -1)
        return torch.lerp(self.candidate(torch.cat([x, r * h], -1)).tanh(), h, z)


@of("recurrent.gru_cell", backward=True)
@of("recurrent.gru_cell")
def a_module_filled(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: a module called with these weights by functional_call; the state by lerp."""
    state = {
        "gates.weight": torch.cat([torch.cat([W_xz, W_xr], 1), torch.cat([W_hz, W_hr], 1)]).T,
        "gates.bias": torch.cat([b_z, b_r]),
        "candidate.weight": torch.cat([W_xh, W_hh]).T,
        "candidate.bias": b_h,
    }
    with torch.device("meta"):
        module = GatedUnit(x.shape[-1], h.shape[-1])
    return torch.func.functional_call(module, state, (x, h))


_compiled = []


@of("attention.dot_product", smallest={"m": 1, "n": 1, "batch": 1, "d": 1, "e": 1})
def compiled_eager(q, k, v):
    """Right: torch.compile with the backend that runs the traced graph as it is."""
    if not _compiled:
        _compiled.append(torch.compile(lambda q, k, v: torch.softmax(q @ k.mT, -1) @ v, backend="eager", dynamic=True))
    return _compiled[0](q, k, v)


@of("attention.causal_top_left", batch=(1,), smallest={"n": 1, "m": 1})
def refuses_other_ranks(q, k, v):
    """Right: three axes alone, which it says; anything else is a helpful error."""
    if q.ndim != 3:
        raise ValueError(f"q has {q.ndim} axes; give a batch: (batch, n, d)")
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)
