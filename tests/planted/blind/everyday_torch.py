"""Right, in PyTorch, as people write it: fused weights, tiles, masks that are added, float32 inside, own gradients."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from attnspec import implements

ALL = ("float32", "float64", "float16", "bfloat16")
of = partial(implements, framework="torch", dtypes=ALL)
one = partial(implements, framework="torch", dtypes=ALL, batch=(0,))


def upcast(x):
    """In float32 at least, as AMP runs what it does not trust to half precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


@of("attention.scaled_dot_product")
def flash_in_float32(q, k, v):
    """Right: online softmax in tiles of 16 queries and 48 keys, accumulated in float32, cast at the end."""
    wide = torch.float64 if q.dtype == torch.float64 else torch.float32
    n, m, e = q.shape[-2], k.shape[-2], v.shape[-1]
    out = torch.zeros(*q.shape[:-1], e, dtype=q.dtype, device=q.device)
    scale = q.shape[-1] ** -0.5
    for a in range(0, n, 16):
        rows = q[..., a : a + 16, :].to(wide) * scale
        top = rows.new_full((*rows.shape[:-1], 1), -torch.inf)
        total = torch.zeros_like(top)
        acc = rows.new_zeros(*rows.shape[:-1], e)
        for b in range(0, m, 48):
            s = rows @ k[..., b : b + 48, :].to(wide).transpose(-1, -2)
            new = torch.maximum(top, s.amax(-1, keepdim=True))
            p = (s - new).exp()
            shrink = (top - new).exp()
            total = total * shrink + p.sum(-1, keepdim=True)
            acc = acc * shrink + p @ v[..., b : b + 48, :].to(wide)
            top = new
        if m:
            out[..., a : a + 16, :] = (acc / total).to(q.dtype)
    return out


@of("attention.scaled_dot_product")
def by_baddbmm(q, k, v):
    """Right: baddbmm with beta=0 and alpha=scale over flattened batches, softmax in float32, as GPT-NeoX does."""
    lead, (n, d), m, e = q.shape[:-2], q.shape[-2:], k.shape[-2], v.shape[-1]
    q, k, v = q.reshape(math.prod(lead), n, d), k.reshape(math.prod(lead), m, d), v.reshape(math.prod(lead), m, e)
    empty = q.new_zeros(q.shape[0], n, m)
    s = torch.baddbmm(empty, q, k.mT, beta=0.0, alpha=1 / math.sqrt(d))
    p = F.softmax(upcast(s), dim=-1).to(q.dtype)
    return torch.bmm(p, v).reshape(*lead, n, e)


@of("attention.masked")
def added_mask(q, k, v, mask):
    """Right: the mask becomes a bias of 0 and -inf; rows without keys are given a bias of 0 and zeroed at the end."""
    some = mask.any(-1, keepdim=True)
    bias = torch.zeros(mask.shape, dtype=q.dtype, device=q.device).masked_fill_(~mask & some, float("-inf"))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias).masked_fill(~some, 0)


@of("attention.padded")
def nested_by_length(q, k, v, mask):
    """Right: for each example the visible keys are gathered, and only these attended to."""
    if mask.ndim == 1:
        if not mask.any():
            return q.new_zeros(q.shape[0], v.shape[-1])
        kept = mask.nonzero()[:, 0]
        return F.scaled_dot_product_attention(q[None], k[None, kept], v[None, kept])[0]
    if not len(mask):
        return q.new_zeros(*q.shape[:-1], v.shape[-1])
    return torch.stack([nested_by_length(*each) for each in zip(q, k, v, mask, strict=True)])


@of("attention.causal")
def tril_of_finfo_min(q, k, v):
    """Right: a buffer of the least finite number above the diagonal, as GPT-2 has it; blind queries are zeroed."""
    n, m = q.shape[-2], k.shape[-2]
    seen = torch.ones(n, m, dtype=torch.bool, device=q.device).tril(m - n)
    w = torch.einsum("...id,...jd->...ij", q, k) / math.sqrt(k.shape[-1])
    w = torch.where(seen, w, torch.finfo(w.dtype).min)
    p = torch.softmax(w, dim=-1) * seen
    return torch.einsum("...ij,...je->...ie", p, v)


@of("attention.with_lse")
def split_keys(q, k, v):
    """Right: split-k in parts of 32 keys, each with its logarithm, merged by logaddexp in float32 or wider."""
    dtype, (q, k, v) = q.dtype, (upcast(q), upcast(k), upcast(v))
    o = q.new_zeros(*q.shape[:-1], v.shape[-1])
    lse = q.new_full(q.shape[:-1], -torch.inf)
    for a in range(0, k.shape[-2], 32):
        s = q @ k[..., a : a + 32, :].mT / math.sqrt(q.shape[-1])
        part = torch.logsumexp(s, -1)
        new = torch.logaddexp(lse, part)
        o = o * (lse - new).exp()[..., None] + (s - new[..., None]).exp() @ v[..., a : a + 32, :]
        lse = new
    return o.to(dtype), lse.to(dtype)


@of("attention.merge")
def merged_by_logaddexp(o_1, lse_1, o_2, lse_2):
    """Right: weights exp(lse_i - logaddexp); two parts without keys are replaced."""
    lse = torch.logaddexp(upcast(lse_1), upcast(lse_2))
    safe = torch.where(torch.isinf(lse), 0, lse)
    a, b = (upcast(lse_1) - safe).exp()[..., None], (upcast(lse_2) - safe).exp()[..., None]
    return (a * o_1 + b * o_2).to(o_1.dtype), lse.to(lse_1.dtype)


@of("attention.incremental")
def preallocated_cache(q, k_new, v_new, K, V):
    """Right: a cache that is allocated with one row more, written by index, then read by one query."""
    t, d, e = K.shape[-2], K.shape[-1], V.shape[-1]
    keys, values = K.new_empty(*K.shape[:-2], t + 1, d), V.new_empty(*V.shape[:-2], t + 1, e)
    keys[..., :t, :], values[..., :t, :] = K, V
    keys[..., t, :], values[..., t, :] = k_new, v_new
    o = F.scaled_dot_product_attention(q.unsqueeze(-2), keys, values)
    return o.squeeze(-2), keys, values


@of("attention.additive")
def additive_as_module(q, k, v, W, U, v_a):
    """Right: Bahdanau's attention as tutorials have it, unsqueeze, tanh, squeeze and bmm."""
    hidden = torch.tanh(torch.matmul(q, W).unsqueeze(-2) + torch.matmul(k, U).unsqueeze(-3))
    energy = torch.matmul(hidden, v_a.unsqueeze(-1)).squeeze(-1)
    return torch.matmul(energy.softmax(-1), v)


@of("multihead.attention")
def fused_qkv(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: key and value weights are fused and their output chunked; heads by unflatten and transpose."""
    q = (x_q @ W_q).unflatten(-1, (heads, -1)).transpose(-2, -3)
    k, v = (x_kv @ torch.cat((W_k, W_v), 1)).chunk(2, -1)
    k, v = k.unflatten(-1, (heads, -1)).transpose(-2, -3), v.unflatten(-1, (heads, -1)).transpose(-2, -3)
    return F.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2) @ W_o


@of("multihead.self_attention_biased")
def three_in_one(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: one addmm makes queries, keys and values; the heads are summed by an einsum with W_o."""
    W, b = torch.cat((W_q, W_k, W_v), -1), torch.cat((b_q, b_k, b_v))
    qkv = F.linear(x, W.T, b).unflatten(-1, (3, heads, -1))
    q, k, v = qkv.unbind(-3)
    p = torch.einsum("...ihd,...jhd->...hij", q, k).mul_(q.shape[-1] ** -0.5).softmax(-1)
    o = torch.einsum("...hij,...jhd->...ihd", p, v)
    return torch.einsum("...ihd,hdc->...ic", o, W_o.unflatten(0, (heads, -1))) + b_o


@of("multihead.causal_biased")
def gpt_blocks(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: a loop over heads with slices of the weights, and torch.baddbmm's twin addmm for the biases."""
    d = W_q.shape[1] // heads
    n, m = x_q.shape[-2], x_kv.shape[-2]
    hidden = torch.ones(n, m, dtype=torch.bool, device=x_q.device).triu(m - n + 1)
    out = torch.zeros_like(x_q)
    for h in range(heads):
        cut = slice(h * d, h * d + d)
        q, k, v = x_q @ W_q[:, cut] + b_q[cut], x_kv @ W_k[:, cut] + b_k[cut], x_kv @ W_v[:, cut] + b_v[cut]
        e = (q @ k.mT).div(d**0.5).masked_fill(hidden, float("-inf"))
        p = torch.softmax(e, -1).nan_to_num(0.0) if n > m else torch.softmax(e, -1)
        out = out + p @ v @ W_o[cut]
    return out + b_o


@of("self_attention.relu_scaled")
def squeezed_relu(x, W_q, W_k, W_v):
    """Right: relu is clamp, and the scale is split between both sides."""
    s = W_q.shape[1] ** -0.25
    e = torch.matmul(x @ W_q * s, (x @ W_k * s).transpose(-1, -2))
    return e.clamp(min=0) @ (x @ W_v)


@of("transformer.layer_norm")
def norm_by_var_mean(x, gamma, beta, *, eps):
    """Right: var_mean and rsqrt in float32, the gain in the dtype of the weights, as T5-like code does."""
    wide = upcast(x)
    var, mean = torch.var_mean(wide, dim=-1, correction=0, keepdim=True)
    return torch.addcmul(upcast(beta), (wide - mean) * torch.rsqrt(var + eps), upcast(gamma)).to(x.dtype)


@of("transformer.layer_norm")
def norm_welford(x, gamma, beta, *, eps):
    """Right: Welford's running mean and squares over blocks of 64, in float32 at least."""
    wide = upcast(x)
    count, mean, m2 = 0, wide.new_zeros(*x.shape[:-1], 1), wide.new_zeros(*x.shape[:-1], 1)
    for part in wide.split(64, -1):
        size = part.shape[-1]
        var, mu = torch.var_mean(part, -1, correction=0, keepdim=True)
        delta = mu - mean
        total = count + size
        mean = mean + delta * (size / total)
        m2 = m2 + var * size + delta * delta * (count * size / total)
        count = total
    y = (wide - mean) / (m2 / max(count, 1) + eps).sqrt()
    return (y * gamma + beta).to(x.dtype)


@of("transformer.feed_forward_gelu_tanh")
def gelu_as_sigmoid(x, W_1, b_1, W_2, b_2):
    """Right: gelu by tanh as a sigmoid of twice its argument, in place."""
    a = F.linear(x, W_1.T, b_1)
    u = a * a * a
    u.mul_(0.044715).add_(a).mul_(2 * math.sqrt(2 / math.pi)).sigmoid_().mul_(a)
    return F.linear(u, W_2.T, b_2)


@of("transformer.feed_forward")
def tokens_flattened(x, W_1, b_1, W_2, b_2):
    """Right: all rows flattened into one matrix, two addmm, relu in place, in an nn.Sequential with tied parameters."""
    net = nn.Sequential(
        nn.Linear(*W_1.shape, device="meta"), nn.ReLU(inplace=True), nn.Linear(*W_2.shape, device="meta")
    )
    weights = {"0.weight": W_1.T, "0.bias": b_1, "2.weight": W_2.T, "2.bias": b_2}
    return torch.func.functional_call(net, weights, (x.reshape(-1, x.shape[-1]),)).reshape(x.shape)


@of("transformer.encoder_layer_pre")
def encoder_from_the_library(
    x, W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps
):
    """Right: F.layer_norm, scaled_dot_product_attention and residuals that are added in place."""
    c = x.shape[-1]
    y = x.clone()
    a = F.layer_norm(y, (c,), gamma_1, beta_1, eps)
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(-2, -3) for t in (a @ W_q, a @ W_k, a @ W_v))
    y += F.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2) @ W_o
    a = F.layer_norm(y, (c,), gamma_2, beta_2, eps)
    y += F.linear(F.relu(F.linear(a, W_1.T, b_1)), W_2.T, b_2)
    return y


@of("recurrent.gru_cell")
def gru_packed(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: r and z from one packed matrix of [x, h]; the state moves by lerp from candidate to old state."""
    gates = torch.cat((x, h), -1) @ torch.cat((torch.cat((W_xr, W_hr)), torch.cat((W_xz, W_hz))), 1)
    r, z = (gates + torch.cat((b_r, b_z))).sigmoid().chunk(2, -1)
    candidate = torch.cat((x, r * h), -1) @ torch.cat((W_xh, W_hh)) + b_h
    return torch.lerp(candidate.tanh(), h, z)


@of("recurrent.lstm_cell")
def lstm_amp(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: products in the dtype of the weights, gates and cell in float32, as mixed precision keeps them."""
    W_x, W_h = torch.cat((W_xi, W_xf, W_xg, W_xo), 1), torch.cat((W_hi, W_hf, W_hg, W_ho), 1)
    a = upcast(x @ W_x) + upcast(h @ W_h) + upcast(torch.cat((b_i, b_f, b_g, b_o)))
    i, f, g, o = a.chunk(4, -1)
    cell = torch.sigmoid(f) * upcast(c) + torch.sigmoid(i) * torch.tanh(g)
    return (torch.sigmoid(o) * torch.tanh(cell)).to(h.dtype), cell.to(c.dtype)


@of("recurrent.gru_reset_after")
def gru_by_tanh(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: the inputs of all steps are projected before the loop, sigmoid as half a tanh, steps are stacked."""
    a_r, a_z, a_h = x @ W_xr + b_r, x @ W_xz + b_z, x @ W_xh + b_h
    h, states = h_0, []
    for r, z, g in zip(a_r.unbind(-2), a_z.unbind(-2), a_h.unbind(-2), strict=True):
        r = 0.5 + 0.5 * torch.tanh(0.5 * (r + h @ W_hr))
        z = 0.5 + 0.5 * torch.tanh(0.5 * (z + h @ W_hz))
        g = torch.tanh(torch.addcmul(g, r, h @ W_hh + b_hh))
        h = g + z * (h - g)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h_0.shape[-1])


@of("recurrent.simple_rnn_lengths")
def frozen_rows(x, length, h_0, W_xh, W_hh, b_h):
    """Right: the states of examples that have ended are kept by a mask of 0 and 1, outputs multiplied by it."""
    h, out = h_0, []
    for i in range(x.shape[-2]):
        alive = (i < length).to(x.dtype)[..., None]
        new = torch.tanh(x[..., i, :] @ W_xh + (h @ W_hh + b_h))
        h = alive * new + (1 - alive) * h
        out.append(alive * h)
    return torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], h_0.shape[-1]), h.clone()


@of("seq2seq.cross_entropy")
def ce_by_library(logits, target):
    """Right: F.cross_entropy of flattened float32 logits, as trainers upcast them."""
    wide = upcast(logits).reshape(-1, logits.shape[-1])
    loss = F.cross_entropy(wide, target.reshape(-1).long(), reduction="none")
    return loss.reshape(target.shape).to(logits.dtype)


@of("seq2seq.sequence_loss")
def ignored_targets(logits, target, valid):
    """Right: padding becomes -100 and is ignored by F.cross_entropy, example by example through vmap-free loops."""
    wide = upcast(logits)
    labels = torch.where(valid, target.long(), -100)
    if logits.ndim == 2:
        return F.cross_entropy(wide, labels).to(logits.dtype)
    losses = F.cross_entropy(wide.mT, labels, reduction="none")
    return (losses.sum(-1) / valid.sum(-1)).to(logits.dtype)


@of("seq2seq.distillation_logits")
def kd_by_kl(logits_teacher, logits_student, *, tau):
    """Right: a sum of teacher's probabilities times the student's log-probabilities, by torch.special and vecdot."""
    p = torch.softmax(upcast(logits_teacher) / tau, -1)
    log_q = F.log_softmax(upcast(logits_student) / tau, -1)
    return torch.linalg.vecdot(p, log_q).neg().to(logits_student.dtype)


@of("text.binary_cross_entropy")
def bce_softplus(logit, target):
    """Right: softplus of the logit, negated where the target is 1."""
    return F.softplus(torch.where(target == 1, -logit, logit))


@of("optimizer.adamw")
def adamw_foreach(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: as foreach code does: lists of copies, in place, bias corrections moved into step size and denominator."""
    theta, m, v = [theta.clone()], [m.clone()], [v.clone()]
    torch._foreach_mul_(theta, 1 - lr * decay)
    torch._foreach_lerp_(m, [g], 1 - beta_1)
    torch._foreach_mul_(v, beta_2)
    torch._foreach_addcmul_(v, [g], [g], 1 - beta_2)
    root = math.sqrt(1 - beta_2**step)
    denominators = torch._foreach_sqrt(v)
    torch._foreach_div_(denominators, root)
    torch._foreach_add_(denominators, eps)
    torch._foreach_addcdiv_(theta, m, denominators, -lr / (1 - beta_1**step))
    return theta[0], m[0], v[0]


@of("optimizer.adam")
def adam_master(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: master weights and moments in float32, results rounded once, as mixed-precision optimisers keep them."""
    dtype, (theta, g, m, v) = theta.dtype, (upcast(t) for t in (theta, g, m, v))
    m = m + (1 - beta_1) * (g - m)
    v = v + (1 - beta_2) * (g.square() - v)
    update = (m / (1 - beta_1**step)) / ((v / (1 - beta_2**step)).sqrt() + eps)
    return (theta - lr * update).to(dtype), m.to(dtype), v.to(dtype)


@of("text.embedding")
def one_hot_product(k, P):
    """Right: a product with one-hot rows of the weights' dtype; a missing token matches no column."""
    hot = (k[..., None] == torch.arange(P.shape[0], device=k.device)).to(P.dtype)
    return hot @ P


@of("text.window_labels")
def by_unfold(x, W, b, *, w):
    """Right: padded by zeros, unfolded along time, and flattened into one product."""
    if not x.shape[-2]:
        return x.new_zeros(*x.shape[:-1], b.shape[-1])
    padded = F.pad(x, (0, 0, w, w))
    windows = padded.unfold(-2, 2 * w + 1, 1).transpose(-1, -2).flatten(-2)
    return windows @ W + b


@of("position.learned")
def by_index_select(a, P):
    """Right: rows of the table by index_select of the places, expanded to the batch."""
    places = torch.arange(a.shape[-2], device=a.device)
    return a + P.index_select(0, places).expand_as(a)


@of("generation.beam_step")
def stable_sort(log_p, score, over, *, stop):
    """Right: a stable sort of all continuations, flattened; the first of equals stays first."""
    beam, v = log_p.shape[-2:]
    total = score[..., None] + log_p
    ended = torch.full_like(total, -torch.inf)
    ended[..., stop] = score
    total = torch.where(over[..., None] > 0, ended, total).flatten(-2)
    best, place = torch.sort(total, dim=-1, descending=True, stable=True)
    place = place[..., :beam]
    return best[..., :beam], (place // v).to(over.dtype), (place % v).to(over.dtype)


@one("backward.layer_norm")
def norm_backward(d_y, x, gamma, beta, *, eps):
    """Right: three means in float32, as fused kernels do."""
    dtype, (d_y, x, gamma) = x.dtype, (upcast(t) for t in (d_y, x, gamma))
    mean = x.mean(-1, keepdim=True)
    rstd = ((x - mean).square().mean(-1, keepdim=True) + eps).rsqrt()
    x_hat = (x - mean) * rstd
    w_dy = gamma * d_y
    c_1, c_2 = (x_hat * w_dy).mean(-1, keepdim=True), w_dy.mean(-1, keepdim=True)
    return ((w_dy - (x_hat * c_1 + c_2)) * rstd).to(dtype), (d_y * x_hat).to(dtype), d_y.to(dtype)


@of("backward.cross_entropy")
def ce_backward(d_loss, logits, target):
    """Right: probabilities in float32, 1 taken off in place by scatter_add, then scaled."""
    p = torch.softmax(upcast(logits), -1)
    at = target.long()[..., None]
    p.scatter_add_(-1, at, torch.full_like(p[..., :1], -1.0))
    return (p * d_loss[..., None]).to(logits.dtype)


@of("backward.softmax")
def softmax_vjp(d_alpha, e):
    """Right: torch.func.vjp of softmax."""
    _, pull = torch.func.vjp(lambda s: torch.softmax(s, -1), e)
    return pull(d_alpha)[0]


@one("backward.scaled_dot_product")
def flash_backward(d_o, q, k, v):
    """Right: row sums of dO · O first, then tiles of 32 keys with the weights made anew from their logarithms."""
    dtype, (d_o, q, k, v) = q.dtype, (upcast(t) for t in (d_o, q, k, v))
    scale = 1 / math.sqrt(q.shape[-1])
    s = q @ k.mT * scale
    lse = torch.logsumexp(s, -1, keepdim=True)
    o = torch.exp(s - lse) @ v
    delta = (d_o * o).sum(-1, keepdim=True)
    d_q, d_k, d_v = torch.zeros_like(q), torch.empty_like(k), torch.empty_like(v)
    for a in range(0, k.shape[-2], 32):
        keys, values = k[..., a : a + 32, :], v[..., a : a + 32, :]
        p = torch.exp(q @ keys.mT * scale - lse)
        d_s = p * (d_o @ values.mT - delta) * scale
        d_v[..., a : a + 32, :] = p.mT @ d_o
        d_k[..., a : a + 32, :] = d_s.mT @ q
        d_q += d_s @ keys
    return d_q.to(dtype), d_k.to(dtype), d_v.to(dtype)


@one("backward.gru_cell")
def gru_by_autograd(d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: the step is written anew on detached copies in float32, and torch.autograd.grad does the rest."""
    given = (x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    with torch.enable_grad():
        copies = [upcast(t.detach()).clone().requires_grad_() for t in given]
        x_, h_, w_xr, w_hr, c_r, w_xz, w_hz, c_z, w_xh, w_hh, c_h = copies
        r = torch.sigmoid(x_ @ w_xr + h_ @ w_hr + c_r)
        z = torch.sigmoid(x_ @ w_xz + h_ @ w_hz + c_z)
        out = z * h_ + (1 - z) * torch.tanh(x_ @ w_xh + (r * h_) @ w_hh + c_h)
        grads = torch.autograd.grad(out, copies, upcast(d_h_next.detach()))
    return tuple(grad.to(t.dtype) for grad, t in zip(grads, given, strict=True))


@one("backward.lstm_cell")
def lstm_packed_backward(
    d_h_next, d_c_next, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
):
    """Right: packed gates, one outer product for all weights, by hand."""
    W_x, W_h = torch.cat((W_xi, W_xf, W_xg, W_xo), 1), torch.cat((W_hi, W_hf, W_hg, W_ho), 1)
    a = x @ W_x + h @ W_h + torch.cat((b_i, b_f, b_g, b_o))
    i, f, g, o = a.chunk(4)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    y = torch.tanh(f * c + i * g)
    d_cell = d_c_next + d_h_next * o * (1 - y * y)
    d_a = torch.cat(
        (d_cell * g * i * (1 - i), d_cell * c * f * (1 - f), d_cell * i * (1 - g * g), d_h_next * y * o * (1 - o))
    )
    d_W_x, d_W_h = torch.outer(x, d_a).chunk(4, 1), torch.outer(h, d_a).chunk(4, 1)
    weights = [t for each in zip(d_W_x, d_W_h, d_a.chunk(4), strict=True) for t in each]
    return (W_x @ d_a, W_h @ d_a, d_cell * f, *weights)


@one("backward.embedding")
def index_added(d_x, k, P):
    """Right: index_add_ of the rows of tokens that are there, accumulated in float32."""
    wide = torch.zeros(P.shape, dtype=upcast(P).dtype, device=P.device)
    there = k >= 0
    wide.index_add_(0, k[there].long(), upcast(d_x[there]))
    return wide.to(P.dtype)
