"""Wrong, in PyTorch, across the catalogue: counters and constants in a narrow type, sorted batches, blocks, caches."""

import math
from functools import partial

import torch
from torch.nn import functional

from attnspec import implements

of = partial(implements, framework="torch")


@of("optimizer.adamw")
def steps_counted_in_bfloat16(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: steps are counted in bfloat16, which has no 257. https://github.com/pytorch/ao/pull/4915"""
    count = torch.tensor(step, dtype=torch.bfloat16).item()
    m, v = m.lerp(g, 1 - beta_1), beta_2 * v + (1 - beta_2) * g * g
    size = lr / (1 - beta_1**count)
    root = v.sqrt() / math.sqrt(1 - beta_2**count) + eps
    return theta * (1 - lr * decay) - size * m / root, m, v


@of("optimizer.adam")
def decays_cut_to_the_dtype_of_parameters(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong, in bfloat16: both decays are kept in the dtype of the parameters. https://github.com/tenstorrent/tt-metal/issues/55935"""
    beta_1, beta_2 = (torch.tensor(b, dtype=theta.dtype).item() for b in (beta_1, beta_2))
    m_next = beta_1 * m + (1 - beta_1) * g
    v_next = beta_2 * v + (1 - beta_2) * g.square()
    m_hat, v_hat = m_next / (1 - beta_1**step), v_next / (1 - beta_2**step)
    return theta - lr * m_hat / (v_hat.sqrt() + eps), m_next, v_next


@of("generation.beam_step")
def ended_hypotheses_lose_a_billion(log_p, score, over, *, stop):
    """Wrong: an ended hypothesis goes on at −1e9, which is more than the −∞ of those that do not exist."""
    beam, v = log_p.shape[-2:]
    held = torch.full((v,), -1e9, dtype=log_p.dtype)
    held[stop] = 0
    total = score[..., None] + torch.where(over[..., None] > 0, held, log_p)
    flat = total.flatten(-2)
    order = torch.argsort(flat, dim=-1, descending=True, stable=True)[..., :beam]
    return flat.gather(-1, order), order // v, order % v


@of("recurrent.gru_lengths")
def last_states_sorted_once_more(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: a batch is sorted by lengths, and the last states are put back by the same order, not by its inverse."""
    flat = x.ndim > 2
    if not flat:
        x, length, h_0 = x[None], length[None], h_0[None]
    order = torch.argsort(length, descending=True, stable=True)
    xs, ls, h = x[order], length[order], h_0[order]
    outs = []
    for i in range(x.shape[1]):
        row = xs[:, i]
        r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        new = z * h + (1 - z) * torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        live = (i < ls)[:, None]
        h = torch.where(live, new, h)
        outs.append(torch.where(live, h, 0))
    y = torch.stack(outs, 1) if outs else x.new_zeros(x.shape[0], 0, h_0.shape[-1])
    y, h = y[torch.argsort(order)], h[order]
    return (y, h) if flat else (y[0], h[0])


@of("transformer.encoder_layer_biased")
def padding_repeated_by_heads(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask, *, heads, eps
):
    """Wrong: batch and heads are one axis, and the mask is repeated for it as a whole, not each row of it."""
    b, t, c = (1, *x.shape)[-3:]
    y = x.reshape(b, t, c)

    def cut(a):
        return a.unflatten(-1, (heads, a.shape[-1] // heads)).transpose(1, 2).flatten(0, 1)

    q, k, v = cut(y @ W_q + b_q), cut(y @ W_k + b_k), cut(y @ W_v + b_v)
    seen = mask.reshape(b, t).repeat(heads, 1)[:, None, :]
    e = torch.bmm(q, k.mT) / math.sqrt(max(q.shape[-1], 1))
    p = torch.where(seen, torch.softmax(e.masked_fill(~seen, -math.inf), -1), 0)
    read = torch.bmm(p, v).unflatten(0, (b, heads)).transpose(1, 2).flatten(2)
    y = functional.layer_norm(y + read @ W_o + b_o, (c,), gamma_1, beta_1, eps)
    f = torch.relu(y @ W_1 + b_1) @ W_2 + b_2
    return functional.layer_norm(y + f, (c,), gamma_2, beta_2, eps).reshape(x.shape)


@of("transformer.decoder_only_layer")
def packed_by_head(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps
):
    """Wrong: of the packed projection each head takes its three parts in turn, but it is packed by part."""
    n = functional.layer_norm(x, x.shape[-1:], gamma_1, beta_1, eps)
    packed = n @ torch.cat([W_q, W_k, W_v], 1) + torch.cat([b_q, b_k, b_v])
    d = packed.shape[-1] // (3 * heads)
    q, k, v = packed.unflatten(-1, (heads, 3, d)).transpose(-4, -3).unbind(-2)
    read = functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(-3, -2).flatten(-2)
    y = x + read @ W_o + b_o
    n = functional.layer_norm(y, x.shape[-1:], gamma_2, beta_2, eps)
    return y + functional.gelu(n @ W_1 + b_1, approximate="tanh") @ W_2 + b_2


@of("attention.incremental")
def empty_slots_at_minus_ten_thousand(q, k_new, v_new, K, V):
    """Wrong: the cache grows by 16 slots, and those that are empty are hidden by −10000, which low scores go below."""
    t = K.shape[-2]
    slots = (t // 16 + 1) * 16
    keys, values = functional.pad(K, (0, 0, 0, slots - t)), functional.pad(V, (0, 0, 0, slots - t))
    keys[..., t, :], values[..., t, :] = k_new, v_new
    e = torch.einsum("...d,...md->...m", q, keys) / math.sqrt(max(q.shape[-1], 1))
    e = e + torch.where(torch.arange(slots) > t, -10000.0, 0.0).to(e.dtype)
    o = torch.einsum("...m,...me->...e", torch.softmax(e, -1), values)
    return o, keys[..., : t + 1, :], values[..., : t + 1, :]


@of("backward.layer_norm")
def normalised_from_the_output(d_y, x, gamma, beta, *, eps):
    """Wrong: to save memory x̂ is taken from the output, (y − β) / γ, with |γ| kept from 0."""
    mean, var = x.mean(-1, keepdim=True), x.var(-1, unbiased=False, keepdim=True)
    rstd = torch.rsqrt(var + eps)
    y = (x - mean) * rstd * gamma + beta
    x_hat = (y - beta) / gamma.abs().clamp(min=1e-5)
    d_hat = d_y * gamma
    d_x = (d_hat - d_hat.mean(-1, keepdim=True) - x_hat * (d_hat * x_hat).mean(-1, keepdim=True)) * rstd
    lead = tuple(range(x.ndim - 1))
    d_gamma, d_beta = d_y * x_hat, d_y
    return d_x, d_gamma.sum(lead) if lead else d_gamma, d_beta.sum(lead) if lead else d_beta.clone()


@of("backward.cross_entropy")
def one_gradient_of_the_loss_for_all(d_loss, logits, target):
    """Wrong: a fused loss scales its gradients by one number, the first of the batch's."""
    p = torch.softmax(logits, -1)
    one = functional.one_hot(target.long(), logits.shape[-1]).to(p.dtype)
    scale = d_loss.reshape(-1)[0] if d_loss.numel() else 1
    return (p - one) * scale


@of("backward.simple_rnn")
def truncated_after_thirty_five(d_h, x, h_0, W_xh, W_hh, b_h):
    """Wrong: gradients go back through 35 steps at most, where states are detached in training."""
    t = x.shape[-2]
    states, h = [], h_0
    for i in range(t):
        h = torch.tanh(x[..., i, :] @ W_xh + h @ W_hh + b_h)
        states.append(h)
    d_x, before = torch.zeros_like(x), h_0
    d_W_xh, d_W_hh, d_b = torch.zeros_like(W_xh), torch.zeros_like(W_hh), torch.zeros_like(b_h)
    carry = torch.zeros_like(h_0)
    for i in reversed(range(t)):
        before = states[i - 1] if i else h_0
        a = (d_h[..., i, :] + carry) * (1 - states[i] ** 2)
        d_x[..., i, :] = a @ W_xh.T
        rows = a.reshape(-1, a.shape[-1])
        d_W_xh += x[..., i, :].reshape(-1, x.shape[-1]).T @ rows
        d_W_hh += before.reshape(-1, before.shape[-1]).T @ rows
        d_b += rows.sum(0)
        carry = a @ W_hh.T
        if i % 35 == 0 and i:
            carry = torch.zeros_like(carry)
    return d_x, carry, d_W_xh, d_W_hh, d_b


@of("seq2seq.perplexity")
def losses_capped_at_twenty(logits, target, valid):
    """Wrong: exp of the loss does not overflow, since the loss is capped at 20 before it."""
    losses = torch.logsumexp(logits, -1) - logits.gather(-1, target.long()[..., None])[..., 0]
    kept = torch.where(valid, losses, 0).sum(-1) / valid.sum(-1)
    return torch.exp(kept.clamp(max=20))


@of("attention_rnn.input_feeding_decode")
def first_context_of_the_first_state(y, s_0, h, W_xh, W_hh, b_h, W_q, W_k):
    """Wrong: before the first step the first state asks already, as in decoding. https://github.com/tensorflow/models/issues/4130"""
    keys = h @ W_k

    def ask(s):
        return (torch.softmax(((s @ W_q)[..., None, :] * keys).sum(-1), -1)[..., None] * h).sum(-2)

    s, states, contexts = s_0, [], []
    c = ask(s)
    for row in y.unbind(-2):
        s = torch.tanh(torch.cat([row, c], -1) @ W_xh + s @ W_hh + b_h)
        c = ask(s)
        states.append(s), contexts.append(c)
    if not states:
        return y.new_zeros(*y.shape[:-1], s_0.shape[-1]), y.new_zeros(*y.shape[:-1], h.shape[-1])
    return torch.stack(states, -2), torch.stack(contexts, -2)


@of("recurrent.stacked_gru_reset_after")
def layers_start_where_the_one_below_ended(x, layers):
    """Wrong: each layer of as many units as the one below starts from its last state, not from its own first one."""
    below = None
    for h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh in layers:
        if below is not None and below.shape == h.shape:
            h = below
        out = []
        for row in x.unbind(-2):
            r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
            z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
            new = torch.tanh(row @ W_xh + b_h + r * (h @ W_hh + b_hh))
            h = torch.lerp(new, h, z)
            out.append(h)
        below = h
        x = torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], h.shape[-1])
    return x


@of("seq2seq.cross_entropy")
def words_compared_in_the_dtype_of_logits(logits, target):
    """Wrong, in float16: the target's place is found by comparing numbers of words in the dtype of the logits."""
    places = torch.arange(logits.shape[-1], dtype=logits.dtype)
    hit = places == target[..., None].to(logits.dtype)
    return torch.logsumexp(logits.float(), -1).to(logits.dtype) - torch.where(hit, logits, 0).sum(-1)


@of("attention.scaled_dot_product")
def head_width_of_whole_sixteens(q, k, v):
    """Wrong: a last group of features that is not a whole 16 is read where it starts too early. https://github.com/flashinfer-ai/flashinfer/issues/4299"""
    d = q.shape[-1]
    starts = [s if s + 16 <= d or d < 16 else d - 16 for s in range(0, d, 16)]
    e = sum((q[..., s : s + 16] @ k[..., s : s + 16].mT for s in starts), q.new_zeros(()))
    if not starts:
        e = q @ k.mT
    return torch.softmax(e / math.sqrt(max(d, 1)), -1) @ v
