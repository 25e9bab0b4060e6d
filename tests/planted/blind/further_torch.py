"""Right, in PyTorch, of equations with few right forms so far: gradients, stacks of layers, encoders, decoders."""

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


def heads_of(x, heads):
    """(…, n, heads · d) as (…, heads, n, d)."""
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)


def joined(x):
    """(…, heads, n, d) as (…, n, heads · d)."""
    return x.transpose(-2, -3).flatten(-2)


# Attention.


@of("backward.causal")
def causal_by_autograd(d_o, q, k, v):
    """Right: torch.autograd.grad through the library's attention with a mask from tril, in float32 at least."""
    with torch.enable_grad():
        inputs = [upcast(a).detach().requires_grad_() for a in (q, k, v)]
        n, m = q.shape[-2], k.shape[-2]
        seen = torch.ones(n, m, dtype=torch.bool).tril(m - n)
        blind = ~seen.any(-1, keepdim=True)
        o = F.scaled_dot_product_attention(*inputs, attn_mask=seen | blind)
        o = o.masked_fill(blind, 0.0)
        grads = torch.autograd.grad(o, inputs, upcast(d_o))
    return tuple(g.to(q.dtype) for g in grads)


@of("backward.scaled_dot")
def by_two_einsums(d_e, q, k):
    """Right: the scale once on the scores' gradient, then two einsums."""
    g = d_e * q.shape[-1] ** -0.5
    return torch.einsum("...nm,...md->...nd", g, k), torch.einsum("...nm,...nd->...md", g, q)


@of("attention.learned_query")
def pooled_by_matmul(x, q):
    """Right: a product, a softmax in float32 that is cast back, a product."""
    p = torch.softmax(q @ x.mT, -1, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)
    return p.to(x.dtype) @ x


@of("self_attention.causal")
def tril_and_packed(x, W_q, W_k, W_v):
    """Right: as nanoGPT: one product for all three, a mask from tril, masked_fill with −∞."""
    d, e = W_q.shape[-1], W_v.shape[-1]
    q, k, v = (x @ torch.cat([W_q, W_k, W_v], -1)).split([d, d, e], -1)
    t = x.shape[-2]
    att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(d))
    att = att.masked_fill(torch.tril(torch.ones(t, t)) == 0, float("-inf"))
    return F.softmax(att, dim=-1) @ v


@of("self_attention.cross_unscaled")
def library_with_scale_one(x_q, x, W_q, W_k, W_v):
    """Right: the library's attention with a scale of 1, on F.linear of turned weights."""
    return F.scaled_dot_product_attention(F.linear(x_q, W_q.T), F.linear(x, W_k.T), F.linear(x, W_v.T), scale=1.0)


@of("multihead.padded_biased")
def bert_style(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, *, heads):
    """Right: as BERT: hidden scores get the lowest number, softmax in float32; hidden weights are set to 0 after it."""
    q, k, v = (
        heads_of(F.linear(x, W.T, b), heads) for x, W, b in ((x_q, W_q, b_q), (x_kv, W_k, b_k), (x_kv, W_v, b_v))
    )
    scores = upcast(q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
    low = torch.finfo(scores.dtype).min
    scores = torch.where(mask[..., None, None, :], scores, low)
    probs = torch.softmax(scores, -1) * mask[..., None, None, :]
    context = joined(probs.to(v.dtype) @ v)
    return F.linear(context, W_o.T, b_o)


@of("multihead.relu")
def rectified_heads(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: heads by unflatten, scores rectified, weights that are not normalised."""
    q, k, v = heads_of(x_q @ W_q, heads), heads_of(x_kv @ W_k, heads), heads_of(x_kv @ W_v, heads)
    return joined(torch.relu(q @ k.mT / math.sqrt(q.shape[-1])) @ v) @ W_o


@of("multihead.causal_biased")
def decoded_with_a_cache(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: queries one at a time, as when decoding: each appends nothing, and reads the front of a cache of keys."""
    k = heads_of(x_kv @ W_k + b_k, heads)
    v = heads_of(x_kv @ W_v + b_v, heads)
    n, m = x_q.shape[-2], x_kv.shape[-2]
    rows = []
    for i in range(n):
        q = heads_of(x_q[..., i : i + 1, :] @ W_q + b_q, heads)
        seen = max(i + 1 + m - n, 0)
        e = upcast(q @ k[..., :seen, :].mT) * q.shape[-1] ** -0.5
        rows.append(joined(e.softmax(-1).to(v.dtype) @ v[..., :seen, :]))
    if not rows:
        return x_q.clone()
    return torch.cat(rows, -2) @ W_o + b_o


# Recurrent networks.


@one("backward.gru")
def gru_by_autograd(d_h, x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: an ordinary loop, and torch.autograd.grad for all eleven, in the dtype that is given."""
    with torch.enable_grad():
        ins = [a.detach().requires_grad_() for a in (x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)]
        y, h, Wr, Ur, br, Wz, Uz, bz, Wh, Uh, bh = ins
        states = []
        for row in y.unbind(0):
            r, z = σ(row @ Wr + h @ Ur + br), σ(row @ Wz + h @ Uz + bz)
            h = z * h + (1 - z) * torch.tanh(row @ Wh + (r * h) @ Uh + bh)
            states.append(h)
        if not states:
            return tuple(torch.zeros_like(a) for a in ins)
        return torch.autograd.grad(torch.stack(states), ins, d_h)


@one("recurrent.bidirectional_gru_reset_after")
def module_of_two_directions(
    x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f, b_hh_f,
    W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b, b_hh_b,
):  # fmt: skip
    """Right: nn.GRU with two directions through functional_call, gates packed r, z, n."""
    u = b_r_f.shape[0]
    if not len(x):
        return x.new_zeros(0, 2 * u)
    net = nn.GRU(x.shape[-1], u, bidirectional=True, device="meta", dtype=x.dtype)
    zero = torch.zeros_like(b_r_f)
    packed = {
        "weight_ih_l0": torch.cat([W_xr_f, W_xz_f, W_xh_f], 1).T,
        "weight_hh_l0": torch.cat([W_hr_f, W_hz_f, W_hh_f], 1).T,
        "bias_ih_l0": torch.cat([b_r_f, b_z_f, b_h_f]),
        "bias_hh_l0": torch.cat([zero, zero, b_hh_f]),
        "weight_ih_l0_reverse": torch.cat([W_xr_b, W_xz_b, W_xh_b], 1).T,
        "weight_hh_l0_reverse": torch.cat([W_hr_b, W_hz_b, W_hh_b], 1).T,
        "bias_ih_l0_reverse": torch.cat([b_r_b, b_z_b, b_h_b]),
        "bias_hh_l0_reverse": torch.cat([zero, zero, b_hh_b]),
    }
    return torch.func.functional_call(net, packed, (x, torch.zeros(2, 1, u, dtype=x.dtype)[:, 0]))[0]


def lstm_loop(x, h, c, W, U, b):
    """All states of an LSTM whose gates are packed i, f, g, o."""
    hs = []
    for row in x @ W + b:
        i, f, g, o = (row + h @ U).chunk(4, -1)
        c = σ(f) * c + σ(i) * torch.tanh(g)
        h = σ(o) * torch.tanh(c)
        hs.append(h)
    return torch.stack(hs) if hs else x.new_zeros(0, h.shape[-1]), c


@one("recurrent.bidirectional_lstm")
def packed_both_ways(
    x, W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f, W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f,
    W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b, W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b,
):  # fmt: skip
    """Right: gates packed i, f, g, o as one product before the loop, the other direction on a flipped input."""
    zero = torch.zeros_like(b_i_f)
    f, _ = lstm_loop(
        x, zero, zero, torch.cat([W_xi_f, W_xf_f, W_xg_f, W_xo_f], 1), torch.cat([W_hi_f, W_hf_f, W_hg_f, W_ho_f], 1),
        torch.cat([b_i_f, b_f_f, b_g_f, b_o_f]),
    )  # fmt: skip
    b, _ = lstm_loop(
        x.flip(0), zero, zero, torch.cat([W_xi_b, W_xf_b, W_xg_b, W_xo_b], 1),
        torch.cat([W_hi_b, W_hf_b, W_hg_b, W_ho_b], 1), torch.cat([b_i_b, b_f_b, b_g_b, b_o_b]),
    )  # fmt: skip
    return torch.cat([f, b.flip(0)], -1)


@one("recurrent.stacked_lstm")
def layer_by_layer(x, layers):
    """Right: each layer a packed loop in float32 at least, which is rounded once, at the end."""
    kind, h, c = x.dtype, upcast(x), None
    for layer in layers:
        h_0, c_0, *weights = (upcast(a) for a in layer)
        W, U, b = torch.cat(weights[0::3], 1), torch.cat(weights[1::3], 1), torch.cat(weights[2::3])
        h, c = lstm_loop(h, h_0, c_0, W, U, b)
    return h.to(kind), c.to(kind)


@of("recurrent.gru_cell_update_writes")
def interpolated(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: the inputs' part as one product, torch.lerp from the old state to the new one."""
    a_r, a_z, a_h = (x @ torch.cat([W_xr, W_xz, W_xh], 1) + torch.cat([b_r, b_z, b_h])).chunk(3, -1)
    r, z = σ(a_r + h @ W_hr), σ(a_z + h @ W_hz)
    return torch.lerp(h, torch.tanh(a_h + (r * h) @ W_hh), z)


@of("recurrent.simple_rnn_cell_concat")
def two_halves_of_one(x, h, A, b):
    """Right: the matrix is cut into its rows for the state and those for the input."""
    U, W = A.split([h.shape[-1], x.shape[-1]])
    return torch.tanh(torch.matmul(h, U) + torch.matmul(x, W) + b)


@of("recurrent.classifier")
def logit_by_linear(h, w, b):
    """Right: F.linear of the last state in float32 at least, squeezed."""
    return σ(F.linear(upcast(h[..., -1, :]), upcast(w)[None], upcast(b)[None])).squeeze(-1).to(h.dtype)


# Encoders and decoders.


@one("seq2seq.encode_lstm")
def read_by_the_module(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: nn.LSTM through functional_call: all states, the last one, the last cell."""
    if not len(x):
        return x.new_zeros(0, len(h_0)), h_0.clone(), c_0.clone()
    net = nn.LSTM(x.shape[-1], len(h_0), bias=True, device="meta", dtype=x.dtype)
    packed = {
        "weight_ih_l0": torch.cat([W_xi, W_xf, W_xg, W_xo], 1).T,
        "weight_hh_l0": torch.cat([W_hi, W_hf, W_hg, W_ho], 1).T,
        "bias_ih_l0": torch.cat([b_i, b_f, b_g, b_o]),
        "bias_hh_l0": torch.zeros(4 * len(h_0), dtype=x.dtype),
    }
    hs, (h, c) = torch.func.functional_call(net, packed, (x, (h_0[None], c_0[None])))
    return hs, h[0], c[0]


@of("seq2seq.context_transform")
def last_by_select(h, V):
    """Right: select, mm, tanh in place on what was just made."""
    return (h.select(-2, -1) @ V).tanh_()


@of("seq2seq.output_distribution")
def added_products(s, y, c, W_o, E_o, C_o, b):
    """Right: one product of [s, y, c] with the stacked weights in float32 at least, softmax there."""
    a = upcast(torch.cat([s, y, c], -1)) @ upcast(torch.cat([W_o, E_o, C_o], 0)) + upcast(b)
    return torch.softmax(a, -1).to(s.dtype)


@of("seq2seq.decoder_step_context_outside")
def gates_of_three_products(y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Right: what is read from outside is stacked, [y, c], and multiplied once by packed weights."""
    rows = torch.cat([torch.cat([W_xr, W_xz, W_xh], 1), torch.cat([C_r, C_z, C_h], 1)], 0)
    a_r, a_z, a_h = (torch.cat([y, c], -1) @ rows + torch.cat([b_r, b_z, b_h])).chunk(3, -1)
    r, z = σ(a_r + s @ W_hr), σ(a_z + s @ W_hz)
    new = torch.tanh(a_h + (r * s) @ W_hh)
    return new + z * (s - new)


@one("seq2seq.teacher_forced_lstm")
def shifted_targets(
    target, s_0, c_0, E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, *, start
):  # fmt: skip
    """Right: targets shifted by one behind the start, one F.embedding, a packed loop, one product for all steps."""
    before = torch.cat([target.new_full((1,), start), target[:-1]])[: len(target)]
    x = F.embedding(before.long(), E)
    s, _ = lstm_loop(
        x, s_0, c_0, torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1),
        torch.cat([b_i, b_f, b_g, b_o]),
    )  # fmt: skip
    return torch.softmax(s @ W_hy + b_y, -1), s


@of("attention_rnn.attentional_state")
def two_matrices_of_one(c, s, W_c):
    """Right: the matrix is split, and the two products are added by addition in place."""
    upper, lower = W_c.split([c.shape[-1], s.shape[-1]])
    out = c @ upper
    out += s @ lower
    return torch.tanh(out)


@of("attention_rnn.attentional_distribution")
def exp_of_log_softmax(h_tilde, W_s):
    """Right: exp of log_softmax, in float32 at least."""
    return F.log_softmax(upcast(h_tilde) @ upcast(W_s), -1).exp().to(h_tilde.dtype)


@of("attention_rnn.input_feeding_step")
def step_with_bmm(y, s, c, h, W_xh, W_hh, b_h, W_q, W_k):
    """Right: the input is fed by cat, scores by a product with the query as a column, the context by a product."""
    s_next = torch.tanh(torch.cat([y, c], -1) @ W_xh + s @ W_hh + b_h)
    e = ((h @ W_k) @ (s_next @ W_q).unsqueeze(-1)).squeeze(-1)
    return s_next, (torch.softmax(e, -1).unsqueeze(-2) @ h).squeeze(-2)


# Transformer layers.


def encoder_heads(x, y, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, heads, mask):
    """The library's attention; a query without keys reads all of them, and is cut to 0."""
    q, k, v = (heads_of(F.linear(a, W.T, b), heads) for a, W, b in ((x, W_q, b_q), (y, W_k, b_k), (y, W_v, b_v)))
    some = mask.any(-1, keepdim=True)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask | ~some)
    return F.linear(joined(torch.where(some, out, 0.0)), W_o.T, b_o)


@of("transformer.encoder_layer_biased_gelu")
def library_parts(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask, *, heads, eps
):
    """Right: F.linear, the library's attention, F.gelu, F.layer_norm, residual added in place of nothing."""
    c = x.shape[-1:]
    a = encoder_heads(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, heads, mask[..., None, None, :])
    y = F.layer_norm(x + a, c, gamma_1, beta_1, eps)
    return F.layer_norm(y + F.linear(F.gelu(F.linear(y, W_1.T, b_1)), W_2.T, b_2), c, gamma_2, beta_2, eps)


@of("transformer.decoder_only_layer")
def gpt_block(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps
):
    """Right: as GPT-2: one packed product, is_causal, gelu by tanh as its formula with torch.pow."""
    n = F.layer_norm(x, x.shape[-1:], gamma_1, beta_1, eps)
    q, k, v = (n @ torch.cat([W_q, W_k, W_v], -1) + torch.cat([b_q, b_k, b_v])).chunk(3, -1)
    a = F.scaled_dot_product_attention(*(heads_of(each, heads) for each in (q, k, v)), is_causal=True)
    y = x + joined(a) @ W_o + b_o
    u = F.layer_norm(y, y.shape[-1:], gamma_2, beta_2, eps) @ W_1 + b_1
    u = 0.5 * u * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (u + 0.044715 * torch.pow(u, 3.0))))
    return y + u @ W_2 + b_2


@of("transformer.decoder_layer_biased_pre")
def module_order_in_float32(
    x, z, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, gamma_1, beta_1,
    W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, gamma_2, beta_2,
    W_1, b_1, W_2, b_2, gamma_3, beta_3, mask, *, heads, eps,
):  # fmt: skip
    """Right: everything in float32 at least, as nn.TransformerDecoderLayer with norm_first has it, rounded once."""
    args = (
        x, z, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c,
        b_q_c, b_k_c, b_v_c, b_o_c, gamma_2, beta_2, W_1, b_1, W_2, b_2, gamma_3, beta_3,
    )  # fmt: skip
    kind = x.dtype
    (
        x, z, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c,
        b_q_c, b_k_c, b_v_c, b_o_c, gamma_2, beta_2, W_1, b_1, W_2, b_2, gamma_3, beta_3,
    ) = map(upcast, args)  # fmt: skip
    c, n = x.shape[-1:], x.shape[-2]
    one = F.layer_norm(x, c, gamma_1, beta_1, eps)
    tril = torch.ones(n, n, dtype=torch.bool).tril()
    y = x + encoder_heads(one, one, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads, tril)
    two = F.layer_norm(y, c, gamma_2, beta_2, eps)
    y = y + encoder_heads(
        two, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, heads, mask[..., None, None, :]
    )
    three = F.layer_norm(y, c, gamma_3, beta_3, eps)
    return (y + F.linear(F.linear(three, W_1.T, b_1).relu(), W_2.T, b_2)).to(kind)


@of("optimizer.adam_l2")
def coupled_decay(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: torch.optim's order: add, lerp_, mul_ and addcmul_, the root over its correction's root, addcdiv."""
    g = g.add(theta, alpha=decay)
    m = m.clone().lerp_(g, 1 - beta_1)
    v = v.clone().mul_(beta_2).addcmul_(g, g, value=1 - beta_2)
    denominator = (v.sqrt() / (1 - beta_2**step) ** 0.5).add_(eps)
    return theta.addcdiv(m, denominator, value=-lr / (1 - beta_1**step)), m, v


@of("text.embedding_padding_idx")
def table_with_a_row_more(k, P, *, padding_idx):
    """Right: a table with a row of zeros behind it, F.embedding with padding_idx."""
    table = torch.cat([P, P.new_zeros(1, P.shape[-1])])
    return F.embedding(torch.where(k < 0, len(P), k).long(), table, padding_idx=padding_idx)


@of("backward.embedding_padding_idx")
def index_added(d_x, k, P, *, padding_idx):
    """Right: index_add_ in float32 at least into a table with a row for what is missing; one example at a time."""
    v, d = P.shape
    lead = k.shape[:-1]
    grads, tokens = (
        d_x.reshape(-1, k.shape[-1], d) if lead else d_x[None],
        k.reshape(-1, k.shape[-1]) if lead else k[None],
    )
    out = []
    for g, t in zip(grads, tokens, strict=True):
        table = upcast(P.new_zeros(v + 1, d))
        table.index_add_(0, torch.where((t < 0) | (t == padding_idx), v, t).long(), upcast(g))
        out.append(table[:v].to(P.dtype))
    return (torch.stack(out) if out else P.new_zeros(0, v, d)).reshape(*lead, v, d)
