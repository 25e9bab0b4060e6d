"""Right, in PyTorch: an own autograd.Function, stacked gates, a gather within vmap, heads as strided views."""

import math

import torch

from attnspec import implements


def of(name, **claims):
    return implements(name, framework="torch", dtypes=("float32", "float64"), **claims)


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(q, k, v):
        e = torch.einsum("...id,...jd->...ij", q * (1 / math.sqrt(max(q.shape[-1], 1))), k)
        lse = torch.logsumexp(e, -1, keepdim=True)
        return torch.exp(e - torch.where(lse.isinf(), 0, lse)) @ v

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, d_o):
        q, k, v = ctx.saved_tensors
        scale = 1 / math.sqrt(max(q.shape[-1], 1))
        p = torch.softmax(torch.einsum("...id,...jd->...ij", q * scale, k), -1)
        d_p = torch.einsum("...ie,...je->...ij", d_o, v)
        d_e = torch.addcmul(p * d_p, p, (p * d_p).sum(-1, keepdim=True), value=-1)
        d_q, d_k = torch.einsum("...ij,...jd->...id", d_e, k), torch.einsum("...ij,...id->...jd", d_e, q)
        return d_q * scale, d_k * scale, torch.einsum("...ij,...ie->...je", p, d_o)


@of("attention.scaled_dot_product", backward=True)
@of("attention.scaled_dot_product")
def a_function_with_setup_context(q, k, v):
    """Right: exp(e − lse) forwards, the weights made anew backwards, all by einsum."""
    return Attention.apply(q, k, v)


@of("recurrent.lstm_cell")
def gates_along_an_axis(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: the matrices of four gates are stacked along a new axis; einsum, addcmul and unbind do the rest."""
    W, U = torch.stack([W_xi, W_xf, W_xg, W_xo]), torch.stack([W_hi, W_hf, W_hg, W_ho])
    a = torch.einsum("...d,gdu->...gu", x, W) + torch.einsum("...v,gvu->...gu", h, U)
    i, f, g, o = (a + torch.stack([b_i, b_f, b_g, b_o])).unbind(-2)
    c = torch.addcmul(i.sigmoid() * g.tanh(), f.sigmoid(), c)
    return o.sigmoid() * c.tanh(), c


@of("seq2seq.cross_entropy")
def gathered_within_a_map(logits, target):
    """Right: one example is written, with index_select, and mapped over the flattened batch by torch.func.vmap."""

    def one(z, y):
        shifted = z - z.amax().detach()
        return shifted.exp().sum().log() - shifted.index_select(0, y.unsqueeze(0)).squeeze(0)

    rows, words = logits.reshape(-1, logits.shape[-1]), target.reshape(-1)
    losses = torch.func.vmap(one)(rows, words) if len(words) else rows.sum(-1)
    return losses.view(target.shape)


@of("multihead.attention")
def heads_by_as_strided(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: heads are strided views of the contiguous projections, and what they read is written into one buffer."""

    def viewed(y):
        y = y.contiguous()
        width = y.shape[-1] // heads
        *lead, rows, last = y.stride()
        shape = (*y.shape[:-2], heads, y.shape[-2], width)
        return y.as_strided(shape, (*lead, width * last, rows, last))

    q, k, v = viewed(x_q @ W_q), viewed(x_kv @ W_k), viewed(x_kv @ W_v)
    e = torch.matmul(q, k.transpose(-1, -2)).div_(math.sqrt(q.shape[-1]))
    y = torch.empty((*q.shape[:-3], q.shape[-2], heads * v.shape[-1]), dtype=x_q.dtype)
    viewed(y).copy_(torch.softmax(e, -1) @ v)
    return y @ W_o
