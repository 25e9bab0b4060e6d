"""Right, in PyTorch, by further habits: own autograd functions, library calls, packed gates, float32 inside, views."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from attnspec import implements

ALL = ("float32", "float64", "float16", "bfloat16")
of = partial(implements, framework="torch", dtypes=ALL)
one = partial(implements, framework="torch", dtypes=ALL, batch=(0,))
σ = torch.sigmoid


def upcast(x):
    """In float32 at least."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


class Attend(torch.autograd.Function):
    """Attention that keeps nothing but its inputs and the logarithms of its sums."""

    @staticmethod
    def forward(ctx, q, k, v):
        e = q @ k.mT * q.shape[-1] ** -0.5
        lse = torch.logsumexp(e, -1, keepdim=True)
        ctx.save_for_backward(q, k, v, lse)
        return torch.softmax(e, -1) @ v

    @staticmethod
    def backward(ctx, g):
        q, k, v, lse = ctx.saved_tensors
        s = q.shape[-1] ** -0.5
        p = torch.exp(q @ k.mT * s - lse)
        d_p = g @ v.mT
        d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True)) * s
        return d_e @ k, d_e.mT @ q, p.mT @ g


@of("attention.scaled_dot_product", backward=True)
def own_function(q, k, v):
    """Right: an autograd function that makes the weights anew in its backward pass."""
    return Attend.apply(q, k, v)


@of("attention.scaled_dot_product")
def scalar_loops(q, k, v):
    """Right: rows by a Python loop over examples and queries, dot products by torch.dot in float32 at least."""
    lead = q.shape[:-2]
    out = v.new_zeros(*q.shape[:-1], v.shape[-1])
    flat = [x.reshape(math.prod(lead), *x.shape[-2:]) for x in (q, k, v)]
    rows = out.view(math.prod(lead), *out.shape[-2:])
    for b, (a, keys, values) in enumerate(zip(*flat, strict=True)):
        for i in range(a.shape[0]):
            e = torch.mv(upcast(keys), upcast(a[i])) / math.sqrt(a.shape[-1])
            rows[b, i] = (torch.softmax(e, 0) @ upcast(values)).to(v.dtype)
    return out


@of("attention.scaled_dot_product")
def four_axes(q, k, v):
    """Right: unsqueezed to batch, heads, rows and columns, the library's kernel, and squeezed again."""
    lead = q.shape[:-2]
    made = [x.reshape(math.prod(lead), 1, *x.shape[-2:]) for x in (q, k, v)]
    return F.scaled_dot_product_attention(*made, dropout_p=0.0, is_causal=False).reshape(
        *lead, q.shape[-2], v.shape[-1]
    )


@of("attention.scaled_dot_product")
def returns_a_turned_view(q, k, v):
    """Right: values by columns, vᵀ pᵀ, of which a transposed view that is not contiguous is returned."""
    p = F.softmax(torch.matmul(q, k.transpose(-2, -1)).div_(math.sqrt(q.size(-1))), dim=-1)
    return torch.matmul(v.transpose(-2, -1), p.transpose(-2, -1)).transpose(-2, -1)


@of("attention.scaled_dot_product")
def softmax_in_float32_alone(q, k, v):
    """Right: products in the dtype of the inputs, softmax with dtype=float32 and back, as Llama has it."""
    e = torch.matmul(q, k.mT) / math.sqrt(q.shape[-1])
    wide = torch.float64 if q.dtype == torch.float64 else torch.float32
    return torch.matmul(F.softmax(e, dim=-1, dtype=wide).to(q.dtype), v)


@of("attention.masked")
def masked_fill_twice(q, k, v, mask):
    """Right: masked_fill with the least finite number, softmax, masked_fill with 0."""
    e = torch.einsum("...nd,...md->...nm", q, k) / math.sqrt(q.shape[-1])
    p = e.masked_fill(~mask, torch.finfo(e.dtype).min).softmax(-1).masked_fill(~mask, 0)
    return torch.einsum("...nm,...me->...ne", p, v.nan_to_num(0.0, 0.0, 0.0) if not mask.all() else v)


@of("attention.masked")
def masked_nan_to_num(q, k, v, mask):
    """Right: −∞ where masked, softmax in float32, NaN of rows without keys put to 0; values are gathered where seen."""
    e = (upcast(q) @ upcast(k).mT) * (q.shape[-1] ** -0.5)
    p = torch.softmax(e.masked_fill(mask.logical_not(), -math.inf), -1).nan_to_num(0.0)
    seen = mask.any(-2)[..., None]
    return (p @ torch.where(seen, upcast(v), 0)).to(v.dtype)


@of("attention.causal")
def triu_of_infinities(q, k, v):
    """Right: a triangle of −∞ is added; rows before the first key are put to 0."""
    n, m = q.shape[-2], k.shape[-2]
    bias = torch.triu(torch.full((n, m), -math.inf, dtype=q.dtype), m - n + 1)
    e = (
        torch.baddbmm(bias, q, k.mT, alpha=q.shape[-1] ** -0.5)
        if q.ndim == 3
        else q @ k.mT * q.shape[-1] ** -0.5 + bias
    )
    p = torch.softmax(e, -1)
    blind = (torch.arange(n) < n - m)[:, None]
    return torch.where(blind, 0, p).to(v.dtype) @ v


@of("attention.causal_top_left")
def library_is_causal(q, k, v):
    """Right: the library's kernel with is_causal."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


@of("attention.hard")
def gathered_by_argmax(e, v):
    """Right: argmax and gather along the keys."""
    at = e.argmax(-1, keepdim=True).expand(*e.shape[:-1], v.shape[-1])
    return v.gather(-2, at)


@of("attention.relu_weights")
def relu_by_clamp_and_bmm(e, v):
    """Right: clamped at 0, times the values in float32 at least."""
    return (upcast(e).clamp(min=0) @ upcast(v)).to(v.dtype)


@of("attention.additive")
def by_broadcast_and_linear(q, k, v, W, U, v_a):
    """Right: F.linear with transposed weights, a hidden layer of all pairs, squeezed by F.linear too."""
    hidden = torch.tanh(F.linear(q, W.T)[..., :, None, :] + F.linear(k, U.T)[..., None, :, :])
    e = F.linear(hidden, v_a[None]).squeeze(-1)
    return F.softmax(e, -1) @ v


@of("attention.incremental")
def preallocated_cache(q, k_new, v_new, K, V):
    """Right: a cache of twice the room, of which a view is attended to and returned."""
    t = K.shape[-2]
    rooms = []
    for old, new in ((K, k_new), (V, v_new)):
        room = old.new_empty(*old.shape[:-2], 2 * t + 2, old.shape[-1])
        room[..., :t, :].copy_(old)
        room[..., t, :].copy_(new)
        rooms.append(room[..., : t + 1, :])
    keys, values = rooms
    o = F.scaled_dot_product_attention(q[..., None, :], keys, values)[..., 0, :]
    return o, keys, values


@of("multihead.attention")
def einops_like(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: reshape to b h n d by view and permute, scores by einsum, back by permute and reshape."""
    lead = x_q.shape[:-2]

    def split(x):
        x = x.reshape(math.prod(lead), x.shape[-2], heads, x.shape[-1] // heads)
        return x.permute(0, 2, 1, 3)

    q, k, v = split(x_q @ W_q), split(x_kv @ W_k), split(x_kv @ W_v)
    dots = torch.einsum("bhid,bhjd->bhij", q, k) * (q.shape[-1] ** -0.5)
    out = torch.einsum("bhij,bhjd->bhid", dots.softmax(dim=-1), v).permute(0, 2, 1, 3)
    return out.reshape(*lead, x_q.shape[-2], W_o.shape[0]) @ W_o


@one("multihead.attention")
def library_function(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: F.multi_head_attention_forward with separate transposed weights and no biases, where heads divide c."""
    d = W_q.shape[1]
    if d != x_q.shape[-1]:
        q, k, v = (
            (x @ W).unflatten(-1, (heads, -1)).transpose(0, 1) for x, W in ((x_q, W_q), (x_kv, W_k), (x_kv, W_v))
        )
        return F.scaled_dot_product_attention(q, k, v).transpose(0, 1).flatten(-2) @ W_o
    y, _ = F.multi_head_attention_forward(
        x_q[:, None], x_kv[:, None], x_kv[:, None], d, heads, None, None, None, None, False, 0.0, W_o.T, None,
        training=False, need_weights=False, use_separate_proj_weight=True,
        q_proj_weight=W_q.T, k_proj_weight=W_k.T, v_proj_weight=W_v.T,
    )  # fmt: skip
    return y[:, 0]


@of("multihead.self_attention_biased")
def packed_by_cat(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: one addmm for all three projections, unbound from one array of five axes, as in ViT."""
    W, b = torch.cat([W_q, W_k, W_v], 1), torch.cat([b_q, b_k, b_v])
    rows = torch.addmm(b, x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), W)
    qkv = rows.reshape(*x.shape[:-1], 3, heads, W_q.shape[1] // heads).movedim(-3, 0).transpose(-2, -3)
    q, k, v = qkv.unbind(0)
    p = torch.softmax(q * q.shape[-1] ** -0.5 @ k.mT, -1)
    return F.linear((p @ v).transpose(-2, -3).flatten(-2), W_o.T, b_o)


@of("transformer.layer_norm")
def by_native(x, gamma, beta, *, eps):
    """Right: native_layer_norm over the last axis."""
    return torch.native_layer_norm(x, [x.shape[-1]], gamma, beta, eps)[0]


@of("transformer.layer_norm")
def by_var_mean(x, gamma, beta, *, eps):
    """Right: var_mean without correction in the dtype of the input, addcmul at the end."""
    var, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
    return torch.addcmul(beta, (x - mean) / torch.sqrt(var + eps), gamma)


@of("transformer.layer_norm")
def by_vector_norm(x, gamma, beta, *, eps):
    """Right: the norm of what is centred, over √d, in float32 at least."""
    y = upcast(x)
    c = y - y.mean(-1, keepdim=True)
    return (
        c / torch.sqrt(torch.linalg.vector_norm(c, dim=-1, keepdim=True) ** 2 / x.shape[-1] + eps) * gamma + beta
    ).to(x.dtype)


@of("transformer.layer_norm")
def by_group_norm(x, gamma, beta, *, eps):
    """Right: group norm with one group, each row as channels of its own."""
    if not x.numel() or x.shape[-1] < 2:
        return F.layer_norm(x, x.shape[-1:], gamma, beta, eps)
    return F.group_norm(x.reshape(-1, x.shape[-1]), 1, gamma, beta, eps).reshape(x.shape)


class Norm(torch.autograd.Function):
    """Layer norm with float32 statistics that are kept."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        y = upcast(x)
        c = y - y.mean(-1, keepdim=True)
        r = torch.rsqrt((c * c).mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(c * r, r, gamma)
        ctx.kinds = x.dtype, gamma.dtype, beta.dtype
        return (c * r * upcast(gamma) + upcast(beta)).to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        x_hat, r, gamma = ctx.saved_tensors
        g, lead = upcast(g), tuple(range(g.ndim - 1))
        d = g * upcast(gamma)
        d_x = r * (d - d.mean(-1, keepdim=True) - x_hat * (d * x_hat).mean(-1, keepdim=True))
        d_gamma = (g * x_hat).sum(lead) if lead else g * x_hat
        d_beta = g.sum(lead) if lead else g.clone()
        return d_x.to(ctx.kinds[0]), d_gamma.to(ctx.kinds[1]), d_beta.to(ctx.kinds[2]), None


@of("transformer.layer_norm", backward=True)
def own_norm(x, gamma, beta, *, eps):
    """Right: an autograd function that keeps what is normalised and the reciprocal root, both in float32."""
    return Norm.apply(x, gamma, beta, eps)


@of("transformer.feed_forward_gelu_tanh")
def library_gelu_tanh(x, W_1, b_1, W_2, b_2):
    """Right: F.linear, F.gelu by tanh, F.linear."""
    return F.linear(F.gelu(F.linear(x, W_1.T, b_1), approximate="tanh"), W_2.T, b_2)


@of("transformer.feed_forward")
def checkpointed(x, W_1, b_1, W_2, b_2):
    """Right: addmm of flattened rows, relu in place."""
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return torch.addmm(b_2, torch.addmm(b_1, rows, W_1).relu_(), W_2).reshape(x.shape)


@of("transformer.encoder_layer_pre")
def pre_norm_with_upcast_norms(
    x, W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps
):
    """Right: norms in float32, everything else in the dtype that is given, as GPT-2 under mixed precision."""

    def norm(y, gamma, beta):
        return F.layer_norm(upcast(y), y.shape[-1:], upcast(gamma), upcast(beta), eps).to(y.dtype)

    n = norm(x, gamma_1, beta_1)
    q, k, v = ((n @ W).unflatten(-1, (heads, -1)).transpose(-2, -3) for W in (W_q, W_k, W_v))
    y = x + F.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2) @ W_o
    return y + F.relu(norm(y, gamma_2, beta_2) @ W_1 + b_1) @ W_2 + b_2


@of("recurrent.gru_cell_reset_after")
def module_cell(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: nn.GRUCell through functional_call, biases of r and z all on one side."""
    cell = nn.GRUCell(x.shape[-1], h.shape[-1], dtype=x.dtype, device="meta")
    packed = {
        "weight_ih": torch.cat([W_xr, W_xz, W_xh], 1).T,
        "weight_hh": torch.cat([W_hr, W_hz, W_hh], 1).T,
        "bias_ih": torch.cat([b_r, b_z, b_h]),
        "bias_hh": torch.cat([0 * b_r, 0 * b_z, b_hh]),
    }
    lead = x.shape[:-1]
    rows = (x.reshape(math.prod(lead), x.shape[-1]), h.reshape(math.prod(lead), h.shape[-1]))
    return torch.func.functional_call(cell, packed, rows).reshape(h.shape)


@of("recurrent.gru")
def columns_of_state(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: steps first; the state as columns, the gates stacked; what is returned is turned back, not contiguous."""
    W, b = torch.cat([W_xr, W_xz, W_xh], 1), torch.cat([b_r, b_z, b_h])
    a, h, ys = (x @ W + b).movedim(-2, 0), h_0, []
    U = torch.cat([W_hr, W_hz], 1)
    for step in a:
        a_r, a_z, a_h = step.tensor_split(3, -1)
        r, z = σ(torch.cat([a_r, a_z], -1) + h @ U).tensor_split(2, -1)
        h = torch.lerp(torch.tanh(a_h + torch.mul(r, h) @ W_hh), h, z)
        ys.append(h)
    if not ys:
        return x.new_zeros(*x.shape[:-1], h_0.shape[-1])
    return torch.stack(ys).movedim(0, -2)


@of("recurrent.lstm_cell")
def gates_by_addmm(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: one addmm of [x, h, 1] and all weights and biases in one matrix, in float32 at least."""
    W = torch.cat(
        [
            torch.cat([*rows])
            for rows in (
                (W_xi, W_hi, b_i[None]),
                (W_xf, W_hf, b_f[None]),
                (W_xg, W_hg, b_g[None]),
                (W_xo, W_ho, b_o[None]),
            )
        ],
        1,
    )
    a = upcast(torch.cat([x, h, torch.ones_like(x[..., :1])], -1)) @ upcast(W)
    i, f, g, o = a.chunk(4, -1)
    cell = torch.addcmul(f.sigmoid() * upcast(c), i.sigmoid(), g.tanh())
    return (o.sigmoid() * cell.tanh()).to(h.dtype), cell.to(c.dtype)


@one("recurrent.lstm")
def module_lstm(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: nn.LSTM through functional_call."""
    u = h_0.shape[-1]
    if not len(x):
        return x.new_zeros(0, u), c_0.clone()
    net = nn.LSTM(x.shape[-1], u, device="meta", dtype=x.dtype)
    packed = {
        "weight_ih_l0": torch.cat([W_xi, W_xf, W_xg, W_xo], 1).T,
        "weight_hh_l0": torch.cat([W_hi, W_hf, W_hg, W_ho], 1).T,
        "bias_ih_l0": torch.cat([b_i, b_f, b_g, b_o]),
        "bias_hh_l0": torch.zeros(4 * u, dtype=x.dtype),
    }
    ys, (_, c) = torch.func.functional_call(net, packed, (x, (h_0[None], c_0[None])))
    return ys, c[0]


@one("recurrent.simple_rnn_lengths")
def packed_sequence(x, length, h_0, W_xh, W_hh, b_h):
    """Right: only the first rows are run; the rest of a new array stays 0."""
    t, u = x.shape[0], h_0.shape[-1]
    ys, h = x.new_zeros(t, u), h_0
    for i in range(min(int(length), t)):
        h = torch.tanh(x[i] @ W_xh + h @ W_hh + b_h)
        ys[i] = h
    return ys, h


@of("seq2seq.cross_entropy")
def nll_of_log_softmax(logits, target):
    """Right: log_softmax in float32 at least, nll_loss without reduction over flattened rows."""
    rows = upcast(logits).reshape(math.prod(logits.shape[:-1]), logits.shape[-1])
    loss = F.nll_loss(rows.log_softmax(-1), target.reshape(len(rows)).long(), reduction="none")
    return loss.reshape(target.shape).to(logits.dtype)


@of("text.binary_cross_entropy")
def library_with_logits(logit, target):
    """Right: binary_cross_entropy_with_logits."""
    return F.binary_cross_entropy_with_logits(logit, target.to(logit.dtype), reduction="none")


@of("seq2seq.perplexity")
def exp_of_the_mean(logits, target, valid):
    """Right: losses times the mask in float32 at least, their sum over the count, exp."""
    log_p = upcast(logits).log_softmax(-1)
    own = log_p.gather(-1, target.clamp_min(0).long()[..., None]).squeeze(-1)
    kept = valid.to(own.dtype)
    return torch.exp(-(own * kept).sum(-1) / kept.sum(-1)).to(logits.dtype)


@of("optimizer.sgd_momentum")
def foreach(theta, g, m, *, lr, mu):
    """Right: the _foreach functions over a list of one, on copies."""
    ms, thetas = [m.clone()], [theta.clone()]
    torch._foreach_mul_(ms, mu)
    torch._foreach_add_(ms, [g])
    torch._foreach_add_(thetas, ms, alpha=-lr)
    return thetas[0], ms[0]


@of("optimizer.adamw")
def decay_first_in_place(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: theta times 1 − lr · decay first, moments by lerp and addcmul in place on copies, addcdiv."""
    theta, m, v = theta.clone().mul_(1 - lr * decay), m.clone(), v.clone()
    m.lerp_(g, 1 - beta_1)
    v.mul_(beta_2).addcmul_(g, g.conj(), value=1 - beta_2)
    root = (v.sqrt() / math.sqrt(1 - beta_2**step)).add_(eps)
    return theta.addcdiv_(m, root, value=-lr / (1 - beta_1**step)), m, v


@of("position.sinusoidal")
def arange_and_stack(*, t, d, dtype):
    """Right: the annotated Transformer's table in float64, sines and cosines written to every second column."""
    pe = torch.zeros(t, d, dtype=torch.float64)
    position = torch.arange(t, dtype=torch.float64)[:, None]
    div = torch.exp(torch.arange(0, d, 2, dtype=torch.float64) * (-math.log(10000.0) / max(d, 1)))
    pe[:, 0::2] = torch.sin(position * div)
    pe[:, 1::2] = torch.cos(position * div[: d // 2])
    return pe.to(dtype)


@of("text.embedding")
def scattered_one_hot(k, P):
    """Right: one-hot rows by scatter_, times the table."""
    rows = k.new_zeros(*k.shape, P.shape[0] + 1).scatter_(-1, torch.where(k < 0, P.shape[0], k).long()[..., None], 1)
    return rows[..., :-1].to(P.dtype) @ P


@of("backward.cross_entropy")
def softmax_less_one_hot(d_loss, logits, target):
    """Right: softmax less F.one_hot, times the incoming gradient."""
    p = torch.softmax(upcast(logits), -1)
    return ((p - F.one_hot(target.long(), logits.shape[-1])) * upcast(d_loss)[..., None]).to(logits.dtype)


@of("backward.softmax")
def library_backward(d_alpha, e):
    """Right: the library's own backward of softmax."""
    p = torch.softmax(e, -1)
    return torch.ops.aten._softmax_backward_data(d_alpha.contiguous(), p, -1, e.dtype)


@of("generation.beam_step")
def by_topk(log_p, score, over, *, stop):
    """Right: −∞ where a hypothesis that is over may not go on, flattened and sorted stably from the largest."""
    at = torch.arange(log_p.shape[-1])
    frozen = torch.where(at == stop, 0.0, -math.inf).to(log_p.dtype)
    total = score[..., None] + torch.where(over[..., None] > 0, frozen, log_p)
    best, flat = total.flatten(-2).sort(dim=-1, descending=True, stable=True)
    beam, v = log_p.shape[-2:]
    return best[..., :beam], flat[..., :beam] // v, flat[..., :beam] % v
