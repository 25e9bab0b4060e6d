"""Right, as kernels and ports are written: fused, packed, blocked, with a backward pass by hand."""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from attnspec import implements

imp = partial(implements, framework="torch")
np_imp = partial(implements, framework="numpy")


class Flash(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        e = q @ k.mT / math.sqrt(q.shape[-1])
        lse = torch.logsumexp(e, -1, keepdim=True)
        o = torch.exp(e - lse) @ v if k.shape[-2] else e @ v
        ctx.save_for_backward(q, k, v, o, lse)
        return o

    @staticmethod
    def backward(ctx, d_o):
        q, k, v, o, lse = ctx.saved_tensors
        s = 1 / math.sqrt(q.shape[-1])
        p = torch.exp(q @ k.mT * s - lse)
        d_e = p * (d_o @ v.mT - (d_o * o).sum(-1, keepdim=True)) * s
        return d_e @ k, d_e.mT @ q, p.mT @ d_o


@imp("attention.scaled_dot_product", backward=True)
def flash_function(q, k, v):
    """Right: an autograd function that keeps the log-sum-exp and makes the weights anew."""
    return Flash.apply(q, k, v)


@imp("attention.scaled_dot_product")
def online_blocks(q, k, v):
    """Right: blocks of 32 keys, one running maximum, divided at the end."""
    if not k.shape[-2]:
        return q @ k.mT @ v
    q = q * q.shape[-1] ** -0.5
    top, total, o = q.new_full((*q.shape[:-1], 1), -math.inf), 0, 0
    for a, b in zip(k.split(32, -2), v.split(32, -2), strict=True):
        e = q @ a.mT
        new = torch.maximum(top, e.amax(-1, keepdim=True))
        old, p = torch.exp(top - new), torch.exp(e - new)
        total, o, top = old * total + p.sum(-1, keepdim=True), old * o + p @ b, new
    return o / total


@imp("attention.scaled_dot_product")
def padded_widths(q, k, v):
    """Right: widths are padded with zeros to a multiple of 16, the scale is of the width before."""
    d, e = q.shape[-1], v.shape[-1]
    q, k, v = F.pad(q, (0, -d % 16)), F.pad(k, (0, -d % 16)), F.pad(v, (0, -e % 16))
    return (torch.softmax(q @ k.mT * d**-0.5, -1) @ v)[..., :e]


@imp("attention.causal")
def library_mask(q, k, v):
    """Right: the library's kernel with a mask aligned at the bottom right; rows without keys are set to 0."""
    n, m = q.shape[-2], k.shape[-2]
    if not n or not m:
        return q @ k.mT @ v
    keep = torch.ones(n, m, dtype=torch.bool).tril(m - n)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=keep).masked_fill(~keep.any(-1, keepdim=True), 0)


@imp("attention.padded")
def keys_packed(q, k, v, mask):
    """Right: keys that are padding are taken out, example by example."""
    lead = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2], mask.shape[:-1])
    flat = [y.expand(*lead, *y.shape[-2:]).reshape(math.prod(lead), *y.shape[-2:]) for y in (q, k, v)]
    rows = [
        torch.softmax(a @ b[keep].mT / math.sqrt(a.shape[-1]), -1) @ c[keep]
        for a, b, c, keep in zip(
            *flat, mask.expand(*lead, mask.shape[-1]).reshape(math.prod(lead), mask.shape[-1]), strict=True
        )
    ]
    shape = (*lead, q.shape[-2], v.shape[-1])
    return torch.stack(rows).reshape(shape) if rows else q.new_zeros(shape)


@imp("attention.with_lse")
def lse_in_base_two(q, k, v):
    """Right: powers of 2 inside, the log-sum-exp is turned back to natural."""
    e = q @ k.mT * (q.shape[-1] ** -0.5 * math.log2(math.e))
    if not e.shape[-1]:
        return e @ v, e.new_full(e.shape[:-1], -math.inf)
    top = e.amax(-1, keepdim=True)
    p = torch.exp2(e - top)
    total = p.sum(-1, keepdim=True)
    return p @ v / total, ((top + torch.log2(total)) * math.log(2)).squeeze(-1)


@np_imp("attention.context_vector")
def blocks_from_the_end(alpha, h):
    """Right: blocks of 7 keys are summed from the last to the first."""
    c = np.zeros((*np.broadcast_shapes(alpha.shape[:-2], h.shape[:-2]), alpha.shape[-2], h.shape[-1]), alpha.dtype)
    for j in reversed(range(0, h.shape[-2], 7)):
        c = c + alpha[..., j : j + 7] @ h[..., j : j + 7, :]
    return c


def heads_of(y, heads):
    return y.reshape(*y.shape[:-1], heads, y.shape[-1] // heads).transpose(-2, -3)


def joined(c):
    return c.transpose(-2, -3).flatten(-2)


@imp("multihead.self_attention_biased")
def no_key_bias(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: the bias of the keys adds the same to all scores of a query, and is left out, as in Whisper."""
    q, k, v = heads_of(x @ W_q + b_q, heads), heads_of(x @ W_k, heads), heads_of(x @ W_v + b_v, heads)
    return joined(torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v) @ W_o + b_o


@imp("multihead.self_attention_biased")
def fused_projection(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: one product for q, k and v, and the library's kernel."""
    y = F.linear(x, torch.cat([W_q, W_k, W_v], -1).mT.contiguous(), torch.cat([b_q, b_k, b_v], -1))
    q, k, v = (heads_of(part, heads) for part in y.chunk(3, -1))
    return F.linear(joined(F.scaled_dot_product_attention(q, k, v)), W_o.mT, b_o)


@imp("multihead.attention")
def value_and_output_folded(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: each head's W_v and W_o are multiplied first, and the heads' outputs are added."""
    q, k = heads_of(x_q @ W_q, heads), heads_of(x_kv @ W_k, heads)
    a = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    d = W_v.shape[-1] // heads
    return sum(a[..., h, :, :] @ (x_kv @ (W_v[:, h * d : h * d + d] @ W_o[h * d : h * d + d])) for h in range(heads))


@imp("transformer.layer_norm")
def by_batch_norm(x, gamma, beta, *, eps):
    """Right: batch normalisation in training, with the rows as channels."""
    if not x.numel() or x.shape[-1] < 2:
        return F.layer_norm(x, x.shape[-1:], gamma, beta, eps)
    rows = x.reshape(1, -1, x.shape[-1])
    return F.batch_norm(rows, None, None, training=True, eps=eps).reshape(x.shape) * gamma + beta


@np_imp("transformer.layer_norm")
def sums_by_products(x, gamma, beta, *, eps):
    """Right: means by a product with ones over d, in float64, rounded once."""
    y = x.astype(np.float64)
    ones = np.full(x.shape[-1], 1 / x.shape[-1])
    c = y - (y @ ones)[..., None]
    return (c / np.sqrt(((c * c) @ ones)[..., None] + eps) * gamma + beta).astype(x.dtype)


@imp("recurrent.gru_cell_reset_after")
def library_cell(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: the library's cell with packed weights."""
    lead = torch.broadcast_shapes(x.shape[:-1], h.shape[:-1])
    u = h.shape[-1]
    a = x.expand(*lead, x.shape[-1]).reshape(-1, x.shape[-1])
    b = h.expand(*lead, u).reshape(-1, u)
    W, U = torch.cat([W_xr, W_xz, W_xh], -1).mT.contiguous(), torch.cat([W_hr, W_hz, W_hh], -1).mT.contiguous()
    zero = torch.zeros_like(b_r)
    return torch.gru_cell(a, b, W, U, torch.cat([b_r, b_z, b_h]), torch.cat([zero, zero, b_hh])).reshape(*lead, u)


@imp("recurrent.lstm")
def library_lstm(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: the library's LSTM with packed weights, one bias of the two zero."""
    lead, t, u = x.shape[:-2], x.shape[-2], b_i.shape[-1]
    h_0, c_0 = h_0.expand(*lead, u), c_0.expand(*lead, u)
    if not t or not math.prod(lead):
        return x.new_zeros(*lead, t, u), c_0.clone()
    W = torch.cat([W_xi, W_xf, W_xg, W_xo], -1).mT.contiguous()
    U = torch.cat([W_hi, W_hf, W_hg, W_ho], -1).mT.contiguous()
    b = torch.cat([b_i, b_f, b_g, b_o])
    first = tuple(y.reshape(1, -1, u) for y in (h_0, c_0))
    y, _, c = torch.lstm(
        x.reshape(-1, t, x.shape[-1]), first, [W, U, b, torch.zeros_like(b)], True, 1, 0.0, False, False, True
    )
    return y.reshape(*lead, t, u), c.reshape(*lead, u)


@np_imp("recurrent.simple_rnn_lengths")
def sorted_and_back(x, length, h_0, W_xh, W_hh, b_h):
    """Right: examples sorted by length, steps of those that are still running, put back in order."""
    lead, t, u = x.shape[:-2], x.shape[-2], W_hh.shape[0]
    n = np.broadcast_to(length, lead).reshape(-1)
    order = np.argsort(-n, kind="stable")
    flat = x.reshape(len(n), t, x.shape[-1])[order]
    h = np.array(np.broadcast_to(h_0, (*lead, u)).reshape(len(n), u))[order]
    ys = np.zeros((*flat.shape[:-1], u), x.dtype)
    for i in range(t):
        live = int((n > i).sum())
        h[:live] = np.tanh(flat[:live, i] @ W_xh + h[:live] @ W_hh + b_h)
        ys[:live, i] = h[:live]
    back = np.argsort(order)
    return ys[back].reshape(*lead, t, u), h[back].reshape(*lead, u)


@imp("seq2seq.distillation_logits")
def entropy_and_divergence(logits_teacher, logits_student, *, tau):
    """Right: the divergence and the teacher's entropy, in float64."""
    log_p = torch.log_softmax(logits_teacher.double() / tau, -1)
    log_q = torch.log_softmax(logits_student.double() / tau, -1)
    p = torch.exp(log_p)
    return ((p * (log_p - log_q)).sum(-1) - (p * log_p).sum(-1)).to(logits_teacher.dtype)


@imp("seq2seq.sequence_loss")
def flattened_library(logits, target, valid):
    """Right: the library's loss of all tokens, -100 where they do not count, summed and divided."""
    t = torch.where(valid, target, -100)
    loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), t.reshape(-1), reduction="none").reshape(t.shape)
    return loss.sum(-1) / valid.sum(-1)


@imp("optimizer.adam")
def library_order(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: in place on copies, in the order of PyTorch's own loop."""
    m = m.clone().lerp_(g, 1 - beta_1)
    v = v.clone().mul_(beta_2).addcmul_(g, g, value=1 - beta_2)
    size = lr / (1 - beta_1**step)
    root = (v.sqrt() / math.sqrt(1 - beta_2**step)).add_(eps)
    return theta.clone().addcdiv_(m, root, value=-size), m, v


@imp("optimizer.adamw")
def shrunk_first(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: the parameters are shrunk by 1 - lr decay, then stepped."""
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    denominator = torch.sqrt(v / (1 - beta_2**step)) + eps
    return theta * (1 - lr * decay) - lr / (1 - beta_1**step) * m / denominator, m, v


@np_imp("position.sinusoidal")
def turned_step_by_step(*, t, d):
    """Right: each position is the one before, turned by its angle, in complex float128."""
    w = 1 / 10000 ** (2 * (np.arange((d + 1) // 2, dtype=np.longdouble)) / max(d, 1))
    z, rows = np.ones(w.shape, np.clongdouble), np.zeros((t, 2 * len(w)), np.float32)
    for i in range(t):
        rows[i, ::2], rows[i, 1::2] = z.imag, z.real
        z = z * np.exp(1j * w)
    return rows[:, :d]


@np_imp("text.embedding")
def product_with_one_hot(k, P):
    """Right: a product with one-hot rows."""
    return (k[..., None] == np.arange(P.shape[0])).astype(P.dtype) @ P


@imp("generation.beam_step")
def by_sorting(log_p, score, over, *, stop):
    """Right: a stable sort of all continuations."""
    keep = torch.arange(log_p.shape[-1]) == stop
    total = torch.where(
        (over > 0).unsqueeze(-1),
        torch.where(keep, score.unsqueeze(-1), -math.inf),
        score.unsqueeze(-1) + log_p,
    )
    best, at = torch.sort(total.flatten(-2), dim=-1, descending=True, stable=True)
    beam, v = log_p.shape[-2:]
    at = at[..., :beam]
    return best[..., :beam], torch.div(at, v, rounding_mode="floor"), at % v


@np_imp("seq2seq.until_stop")
def by_first_stop(token, *, stop):
    """Right: everything from the first `stop` on is `stop`."""
    return np.where(np.maximum.accumulate(token == stop, -1), stop, token) if token.shape[-1] else token.copy()


@imp("backward.scaled_dot_product")
def by_autograd(d_o, q, k, v):
    """Right: the forward pass, differentiated by the framework."""
    q, k, v = (y.detach().clone().requires_grad_() for y in (q, k, v))
    with torch.enable_grad():
        o = torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1) @ v
        return torch.autograd.grad(o, (q, k, v), d_o)


@np_imp("attention.merge")
def by_logaddexp(o_1, lse_1, o_2, lse_2):
    """Right: weights relative to the joint log-sum-exp."""
    lse = np.logaddexp(lse_1, lse_2)
    safe = np.where(np.isinf(lse), 0, lse).astype(lse.dtype)
    return np.exp(lse_1 - safe)[..., None] * o_1 + np.exp(lse_2 - safe)[..., None] * o_2, lse


@np_imp("text.binary_cross_entropy")
def by_softplus(logit, target):
    """Right: softplus of the logit with the sign of the wrong class."""
    return np.logaddexp(np.zeros_like(logit), np.where(target > 0, -logit, logit))
