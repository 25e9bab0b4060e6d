"""Right, in NumPy, as people write it: einsum, stride tricks, log-space, loops, sums, beams that are sorted."""

import math
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import as_strided
from scipy import special

from attnspec import implements

of = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"))
one = partial(implements, framework="numpy", dtypes=("float32", "float64", "float16"), batch=(0,))


def softmax(x, axis=-1):
    p = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
    return p / p.sum(axis=axis, keepdims=True)


def sigmoid(x):
    """Stable on both sides, by the sign of x."""
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, z) / (1 + z)


def wide(x):
    return x.astype(np.float32) if x.dtype == np.float16 else x


@of("attention.scaled_dot_product")
def einsum_all_the_way(q, k, v):
    """Right: einsum for both products, a path that is optimised, softmax by hand."""
    e = np.einsum("...id,...jd->...ij", q, k, optimize=True) / np.sqrt(q.shape[-1]).astype(q.dtype)
    return np.einsum("...ij,...je->...ie", softmax(e), v, optimize=True)


@of("attention.weights")
def in_log_space(e):
    """Right: exp of e less its logsumexp, in float32 or wider."""
    x = wide(e)
    return np.exp(x - special.logsumexp(x, axis=-1, keepdims=True)).astype(e.dtype)


@of("attention.padded")
def compressed(q, k, v, mask):
    """Right: each example's padding is dropped by a boolean index before attention."""
    out = np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
    for at in np.ndindex(mask.shape[:-1]):
        seen = mask[at]
        if seen.any():
            e = wide(q[at]) @ wide(k[at][seen]).T / math.sqrt(q.shape[-1])
            out[at] = softmax(e) @ wide(v[at][seen])
    return out


@of("attention.causal")
def growing_prefix(q, k, v):
    """Right: query i attends to a prefix of the keys; each row by a matrix-vector product in float32 or wider."""
    n, m = q.shape[-2], k.shape[-2]
    out = np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
    for i in range(max(0, n - m), n):
        last = i + m - n + 1
        e = (wide(k[..., :last, :]) @ wide(q[..., i, :, None]))[..., 0] / math.sqrt(q.shape[-1])
        out[..., i, :] = (softmax(e)[..., None, :] @ wide(v[..., :last, :]))[..., 0, :]
    return out


@of("attention.hard")
def take_along(e, v):
    """Right: argmax takes the first of equals, take_along_axis the rows."""
    best = np.argmax(e, axis=-1)
    return np.take_along_axis(v, best[..., None], axis=-2)


@of("multihead.split")
def split_by_strides(x, *, heads):
    """Right: a view with strides, copied."""
    t, d = x.shape[-2], x.shape[-1] // heads
    x = np.ascontiguousarray(x)
    *lead, row, item = x.strides
    return as_strided(x, (*x.shape[:-2], heads, t, d), (*lead, d * item, row, item)).copy()


@of("multihead.concat")
def concat_by_list(x):
    """Right: hstack of the heads along the last axis."""
    return np.concatenate([x[..., h, :, :] for h in range(x.shape[-3])], axis=-1)


@of("multihead.masked")
def heads_in_one_einsum(x_q, x_kv, W_q, W_k, W_v, W_o, mask, *, heads):
    """Right: weights reshaped to (c, heads, d); scores where masked are the least finite number, then zeroed."""
    c = W_q.shape[0]
    q, k, v = (
        np.einsum("...nc,chd->...hnd", x, W.reshape(c, heads, -1)) for x, W in ((x_q, W_q), (x_kv, W_k), (x_kv, W_v))
    )
    e = wide(q @ np.swapaxes(k, -1, -2)) / math.sqrt(q.shape[-1])
    seen = mask[..., None, :, :]
    p = np.where(seen, softmax(np.where(seen, e, np.finfo(e.dtype).min)), 0).astype(q.dtype)
    return np.einsum("...hnd,hdc->...nc", p @ v, W_o.reshape(heads, -1, W_o.shape[1]))


@of("transformer.layer_norm")
def norm_with_moments(x, gamma, beta, *, eps):
    """Right: np.mean and np.var with dtype=, so that half precision is summed in float32."""
    kind = np.result_type(x.dtype, np.float32)
    mean = x.mean(-1, keepdims=True, dtype=kind)
    var = np.var(x.astype(kind), axis=-1, keepdims=True)
    return ((x - mean) / np.sqrt(var + kind.type(eps)) * gamma + beta).astype(x.dtype)


@of("transformer.feed_forward_gelu")
def gelu_by_erfc(x, W_1, b_1, W_2, b_2):
    """Right: Φ as half an erfc of the negative argument, exact in the tail."""
    a = wide(x) @ wide(W_1) + wide(b_1)
    a = a * (0.5 * special.erfc(-a / math.sqrt(2))).astype(a.dtype)
    return (a @ wide(W_2) + wide(b_2)).astype(x.dtype)


@of("position.sinusoidal")
def complex_waves(*, t, d, dtype):
    """Right: real and imaginary part of exp(i pos ω), interleaved; ω by logspace-like powers."""
    pairs = (d + 1) // 2
    omega = 10000.0 ** (-2.0 * np.arange(pairs) / max(d, 1))
    wave = np.exp(1j * np.arange(t)[:, None] * omega)
    return np.stack([wave.imag, wave.real], -1).reshape(t, 2 * pairs)[:, :d].astype(dtype)


@of("recurrent.simple_rnn")
def written_into_the_output(x, h_0, W_xh, W_hh, b_h):
    """Right: the projected input is the buffer of the output; each step adds to it and takes tanh in place."""
    out = x @ W_xh
    out += b_h
    before = h_0
    for i in range(x.shape[-2]):
        out[..., i, :] += before @ W_hh
        before = np.tanh(out[..., i, :], out=out[..., i, :])
    return out


@of("recurrent.gru")
def gru_blocks(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: float32 inside; gates by scipy's expit, projected in one block; the state stays float32 between steps."""
    W = np.concatenate([W_xr, W_xz, W_xh], 1)
    a = wide(x) @ wide(W) + wide(np.concatenate([b_r, b_z, b_h]))
    u = h_0.shape[-1]
    h, out = wide(h_0), np.empty((*x.shape[:-1], u), x.dtype)
    for i in range(x.shape[-2]):
        r = special.expit(a[..., i, :u] + h @ wide(W_hr))
        z = special.expit(a[..., i, u : 2 * u] + h @ wide(W_hz))
        h = z * h + (1 - z) * np.tanh(a[..., i, 2 * u :] + (r * h) @ wide(W_hh))
        out[..., i, :] = h
    return out


@of("recurrent.bidirectional_feature")
def halves(h):
    """Right: the first half of the last row and the second half of the first row."""
    u = h.shape[-1] // 2
    return np.concatenate([h[..., -1, :u], h[..., 0, u:]], -1)


@of("seq2seq.sequence_loss")
def picked_log_probabilities(logits, target, valid):
    """Right: log-probabilities in float64, picked by take_along_axis, averaged with where=."""
    x = logits.astype(np.float64)
    log_p = x - special.logsumexp(x, axis=-1, keepdims=True)
    loss = -np.take_along_axis(log_p, target[..., None].astype(np.int64), -1)[..., 0]
    with np.errstate(invalid="ignore"):
        return (np.sum(loss, -1, where=valid) / valid.sum(-1)).astype(logits.dtype)


@of("seq2seq.perplexity")
def geometric(logits, target, valid):
    """Right: 2 to the power of the mean cross-entropy in bits."""
    x = wide(logits)
    top = x.max(-1, keepdims=True)
    log_z = np.log(np.exp(x - top).sum(-1)) + top[..., 0]
    picked = np.take_along_axis(x, target[..., None].astype(np.int64), -1)[..., 0]
    bits = np.where(valid, (log_z - picked) / np.log(2).astype(x.dtype), 0)
    with np.errstate(invalid="ignore"):
        return np.exp2(bits.sum(-1) / valid.sum(-1).astype(x.dtype)).astype(logits.dtype)


@of("seq2seq.context_mean")
def mean_as_product(h):
    """Right: a product with a row of 1/m."""
    m = h.shape[-2]
    return (np.full((1, m), 1 / m, h.dtype) @ h)[..., 0, :]


@of("seq2seq.sample")
def searched(p, uniform):
    """Right: searchsorted on the right in cumulative sums, row by row, at most the last word."""
    v = p.shape[-1]
    c = np.cumsum(p, -1).reshape(-1, v)
    u = np.asarray(uniform).reshape(-1)
    found = [min(int(np.searchsorted(row, x, side="right")), v - 1) for row, x in zip(c, u, strict=True)]
    return np.array(found, np.int64).reshape(np.shape(uniform))


@of("generation.beam_step")
def lexsorted(log_p, score, over, *, stop):
    """Right: argsort of the negated totals, stable, so that ties keep their order."""
    beam, v = log_p.shape[-2:]
    total = score[..., None] + log_p
    held = np.where(np.arange(v) == stop, score[..., None], -np.inf).astype(score.dtype)
    total = np.where(over[..., None] > 0, held, total).reshape(*score.shape[:-1], beam * v)
    order = np.argsort(-total, axis=-1, kind="stable")[..., :beam]
    return np.take_along_axis(total, order, -1), order // v, order % v


@of("text.segments")
def windows_by_view(k, *, w, s):
    """Right: sliding windows of w + 1 tokens, every s-th of them; the last column is the label."""
    if k.shape[-1] <= w:
        return np.zeros((*k.shape[:-1], 0, w), k.dtype), np.zeros((*k.shape[:-1], 0), k.dtype)
    view = np.lib.stride_tricks.sliding_window_view(k, w + 1, axis=-1)[..., ::s, :]
    return view[..., :w].copy(), view[..., w].copy()


@of("optimizer.sgd_momentum")
def momentum_in_place(theta, g, m, *, lr, mu):
    """Right: in place on copies, with multiply and add ufuncs."""
    m = np.multiply(m, mu)
    np.add(m, g, out=m)
    return np.subtract(theta, lr * m), m


@one("backward.linear")
def by_tensordot(d_y, x, W, b):
    """Right: tensordot over rows for the weights, a product with ones for the bias."""
    return d_y @ W.T, np.tensordot(x, d_y, axes=(0, 0)), np.ones(len(x), x.dtype) @ d_y


@of("backward.softmax")
def jacobian_by_hand(d_alpha, e):
    """Right: the Jacobian diag(p) − p pᵀ is built for each row, and multiplied."""
    p = softmax(wide(e))
    J = p[..., :, None] * np.eye(e.shape[-1], dtype=p.dtype) - p[..., :, None] * p[..., None, :]
    return (J @ wide(d_alpha)[..., None])[..., 0].astype(e.dtype)


@one("backward.simple_rnn")
def through_time(d_h, x, h_0, W_xh, W_hh, b_h):
    """Right: backpropagation through time, gradients of the weights added up step by step in float32 or wider."""
    dtype, (d_h, x, h_0, W_xh, W_hh, b_h) = x.dtype, (wide(a) for a in (d_h, x, h_0, W_xh, W_hh, b_h))
    states = [h_0]
    for row in x:
        states.append(np.tanh(row @ W_xh + states[-1] @ W_hh + b_h))
    d_x, d_W_xh, d_W_hh, d_b = np.zeros_like(x), np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(b_h)
    carried = np.zeros_like(h_0)
    for i in reversed(range(len(x))):
        d_a = (d_h[i] + carried) * (1 - states[i + 1] ** 2)
        d_x[i] = W_xh @ d_a
        d_W_xh += np.outer(x[i], d_a)
        d_W_hh += np.outer(states[i], d_a)
        d_b += d_a
        carried = W_hh @ d_a
    return tuple(a.astype(dtype) for a in (d_x, carried, d_W_xh, d_W_hh, d_b))


@one("backward.gru_gates")
def gates_backward(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh):
    """Right: by hand, d_z first."""
    d_z = d_h_next * (h - h_tilde)
    d_a_z = d_z * (z - z * z)
    d_a_h = (d_h_next - d_h_next * z) * (1 - h_tilde) * (1 + h_tilde)
    d_rh = d_a_h @ W_hh.T
    d_a_r = d_rh * h * (r - r * r)
    return z * d_h_next + r * d_rh + d_a_r @ W_hr.T + d_a_z @ W_hz.T, d_a_r, d_a_z, d_a_h
