"""Right, in NumPy, as it is written at work: blocks with own buffers, packed gates, out=, gradients by hand."""

import math
from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"))


def wide(x):
    return x.astype(np.float32) if x.dtype == np.float16 else x


def turned(a):
    return np.swapaxes(a, -1, -2)


def sigmoid(a):
    """By tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * a))


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    p /= p.sum(-1, keepdims=True)
    return p


@of("attention.blocked")
def blocks_in_own_buffers(q, k, v, *, block):
    """Right: an online softmax over blocks of keys, accumulated in place in buffers of float32 at least."""
    a, keys, values = wide(q) / math.sqrt(q.shape[-1]), wide(k), wide(v)
    top = np.full((*a.shape[:-1], 1), -np.inf, a.dtype)
    total, acc = np.zeros_like(top), np.zeros((*a.shape[:-1], v.shape[-1]), a.dtype)
    a = a.astype(keys.dtype)
    for start in range(0, k.shape[-2], block):
        e = a @ turned(keys[..., start : start + block, :])
        new = np.maximum(top, e.max(-1, keepdims=True))
        e -= new
        np.exp(e, out=e)
        shrink = np.exp(top - new)
        total *= shrink
        total += e.sum(-1, keepdims=True)
        acc *= shrink
        acc += e @ values[..., start : start + block, :]
        top = new
    acc /= total
    return acc.astype(v.dtype)


@of("recurrent.lstm")
def gates_with_out(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: packed gates in one buffer, cut into views, activated with out=; the cell in float32 at least."""
    u = h_0.shape[-1]
    W_x, W_h = wide(np.hstack([W_xi, W_xf, W_xo, W_xg])), wide(np.hstack([W_hi, W_hf, W_ho, W_hg]))
    projected = wide(x) @ W_x + wide(np.concatenate([b_i, b_f, b_o, b_g]))
    h, c = wide(h_0), wide(c_0).copy()
    out = np.empty((*x.shape[:-1], u), projected.dtype)
    for t in range(x.shape[-2]):
        a = projected[..., t, :] + h @ W_h
        gates = sigmoid(a[..., : 3 * u])
        i, f, o = gates[..., :u], gates[..., u : 2 * u], gates[..., 2 * u :]
        c *= f
        c += i * np.tanh(a[..., 3 * u :])
        h = np.multiply(o, np.tanh(c), out=out[..., t, :])
    return out.astype(x.dtype), c.astype(x.dtype)


@of("recurrent.bidirectional_gru")
def one_loop_for_both(
    x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
    W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
):  # fmt: skip
    """Right: both directions in one loop, as one stack of two networks with einsum, in float32 at least."""

    def both(f, b):
        return wide(np.stack([f, b]))

    rows = wide(np.stack([x, x[..., ::-1, :]]))  # direction first
    lead, t, u = x.shape[:-2], x.shape[-2], b_h_f.shape[0]
    rows = rows.reshape(2, math.prod(lead), t, x.shape[-1])
    W = [(both(*a), both(*b), both(*c)[:, None]) for a, b, c in (
        ((W_xr_f, W_xr_b), (W_hr_f, W_hr_b), (b_r_f, b_r_b)),
        ((W_xz_f, W_xz_b), (W_hz_f, W_hz_b), (b_z_f, b_z_b)),
        ((W_xh_f, W_xh_b), (W_hh_f, W_hh_b), (b_h_f, b_h_b)),
    )]  # fmt: skip
    h = np.zeros((2, rows.shape[1], u), rows.dtype)
    out = np.empty((rows.shape[1], t, 2 * u), rows.dtype)
    for i in range(t):
        y = rows[:, :, i]
        r = sigmoid(y @ W[0][0] + h @ W[0][1] + W[0][2])
        z = sigmoid(y @ W[1][0] + h @ W[1][1] + W[1][2])
        h = z * h + (1 - z) * np.tanh(y @ W[2][0] + (r * h) @ W[2][1] + W[2][2])
        out[:, i, :u], out[:, t - 1 - i, u:] = h[0], h[1]
    return out.reshape(*lead, t, 2 * u).astype(x.dtype)


@of("transformer.encoder_layer")
def layer_by_einsum(x, W_q, W_k, W_v, W_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps):
    """Right: four-axis weights and einsum for the heads, in float32 at least."""

    def norm(a, gamma, beta):
        a = a - a.mean(-1, keepdims=True)
        return a / np.sqrt(np.square(a).mean(-1, keepdims=True) + eps) * wide(gamma) + wide(beta)

    def heads_of(W):
        return wide(W).reshape(W.shape[0], heads, W.shape[1] // heads)

    y = wide(x)
    q, k, v = (np.einsum("...tc,chd->...htd", y, heads_of(W)) for W in (W_q, W_k, W_v))
    p = softmax(np.einsum("...hid,...hjd->...hij", q, k) * float(q.shape[-1]) ** -0.5)
    o = np.einsum("...hij,...hjd->...ihd", p, v)
    y = norm(y + o.reshape(*x.shape[:-1], W_o.shape[0]) @ wide(W_o), gamma_1, beta_1)
    f = np.maximum(y @ wide(W_1) + wide(b_1), 0) @ wide(W_2) + wide(b_2)
    return norm(y + f, gamma_2, beta_2).astype(x.dtype)


@of("seq2seq.perplexity")
def exp_of_masked_mean(logits, target, valid):
    """Right: the target's logit less a log-sum-exp, its masked mean by np.mean with where=, in float64."""
    a = logits.astype(np.float64)
    top = a.max(-1)
    lse = top + np.log(np.exp(a - top[..., None]).sum(-1))
    loss = lse - np.take_along_axis(a, target[..., None].astype(np.intp), -1)[..., 0]
    total, count = np.sum(loss, -1, where=valid), np.sum(valid, -1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.exp(total / count).astype(logits.dtype)


@of("backward.scaled_dot_product")
def by_blocks_of_keys(d_o, q, k, v):
    """Right: delta as the row sum of dO ⊙ O, then blocks of 16 keys; all gradients in float32 at least."""
    g, a, keys, values = wide(d_o), wide(q), wide(k), wide(v)
    scale = float(q.shape[-1]) ** -0.5
    e = a @ turned(keys) * scale
    top = e.max(-1, keepdims=True, initial=-np.inf)
    total = np.exp(e - top).sum(-1, keepdims=True)
    out = np.exp(e - top) / total @ values
    delta = (g * out).sum(-1, keepdims=True)
    d_q, d_k, d_v = np.zeros_like(a), np.zeros_like(keys), np.zeros_like(values)
    for start in range(0, k.shape[-2], 16):
        at = np.s_[..., start : start + 16, :]
        p = np.exp(a @ turned(keys[at]) * scale - top) / total
        d_v[at] += turned(p) @ g
        d_e = p * (g @ turned(values[at]) - delta) * scale
        d_q += d_e @ keys[at]
        d_k[at] += turned(d_e) @ a
    return d_q.astype(q.dtype), d_k.astype(q.dtype), d_v.astype(q.dtype)


@of("backward.simple_rnn")
def backwards_in_time(d_h, x, h_0, W_xh, W_hh, b_h):
    """Right: forwards into one array of states, backwards into one of slopes, weights by one product at the end."""
    rows, g, W_x, W_h, b = wide(x), wide(d_h), wide(W_xh), wide(W_hh), wide(b_h)
    t, u = x.shape[-2], h_0.shape[-1]
    h = np.empty((*x.shape[:-2], t + 1, u), rows.dtype)
    h[..., 0, :] = h_0
    for i in range(t):
        h[..., i + 1, :] = np.tanh(rows[..., i, :] @ W_x + h[..., i, :] @ W_h + b)
    slope, carry = np.empty_like(h[..., 1:, :]), np.zeros_like(h[..., 0, :])
    for i in reversed(range(t)):
        slope[..., i, :] = (g[..., i, :] + carry) * (1 - h[..., i + 1, :] ** 2)
        carry = slope[..., i, :] @ W_h.T
    grads = slope @ W_x.T, carry, turned(rows) @ slope, turned(h[..., :-1, :]) @ slope, slope.sum(-2)
    return tuple(a.astype(x.dtype) for a in grads)


@of("optimizer.adamw")
def on_flat_copies(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: in place on copies of float32 at least; the old parameters decay first."""
    p, g, m, v = (wide(a).copy() for a in (theta, g, m, v))
    p *= 1 - lr * decay
    m *= beta_1
    m += (1 - beta_1) * g
    v *= beta_2
    v += (1 - beta_2) * np.square(g)
    p -= lr * (m / (1 - beta_1**step)) / (np.sqrt(v / (1 - beta_2**step)) + eps)
    return tuple(a.astype(theta.dtype) for a in (p, m, v))


@of("seq2seq.output_maxout")
def pairs_by_reshape(s, y, c, U_o, V_o, C_o, W_o):
    """Right: pairs along a new axis, np.max, then a softmax in float32 at least."""
    t = wide(s) @ wide(U_o) + wide(y) @ wide(V_o) + wide(c) @ wide(C_o)
    pairs = t.reshape(*t.shape[:-1], t.shape[-1] // 2, 2).max(-1)
    return softmax(pairs @ wide(W_o)).astype(s.dtype)


@of("attention.context_vector")
def chunk_of_features(alpha, h):
    """Right: the states are transposed and the weights summed by a product from the left, turned back."""
    return turned(turned(wide(h)) @ turned(wide(alpha))).astype(h.dtype)
