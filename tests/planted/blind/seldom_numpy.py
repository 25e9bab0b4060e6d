"""Wrong under some condition only, in NumPy: a rest of one, more queries than keys, an odd width, a row of zeros."""

import math
from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy")


def turned(a):
    return np.swapaxes(a, -1, -2)


def sigmoid(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return p / p.sum(-1, keepdims=True)


@of("attention.blocked")
def rest_of_one_is_lost(q, k, v, *, block):
    """Wrong: the last block is left out if one key alone is left for it, and there was one before."""
    m = k.shape[-2]
    if m > block and m % block == 1:
        k, v = k[..., :-1, :], v[..., :-1, :]
    top = np.full((*q.shape[:-1], 1), -np.inf, q.dtype)
    total, o = np.zeros_like(top), np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
    for start in range(0, k.shape[-2], block):
        e = q @ turned(k[..., start : start + block, :]) / np.sqrt(q.dtype.type(q.shape[-1]))
        new = np.maximum(top, e.max(-1, keepdims=True))
        p, shrink = np.exp(e - new), np.exp(top - new)
        total, o = shrink * total + p.sum(-1, keepdims=True), shrink * o + p @ v[..., start : start + block, :]
        top = new
    return o / total


@of("attention.causal")
def offset_without_sign(q, k, v):
    """Wrong: the mask is shifted by |m - n|, so that with more queries than keys they look ahead."""
    n, m = q.shape[-2], k.shape[-2]
    e = q @ turned(k) / np.sqrt(q.dtype.type(q.shape[-1]))
    return softmax(np.where(np.tri(n, m, abs(m - n), dtype=bool), e, -np.inf)) @ v


@of("text.window_labels")
def examples_end_to_end(x, W, b, *, w):
    """Wrong: windows are cut from all examples of a batch end to end, and only the ends of the batch are padded."""
    rows = x.reshape(-1, x.shape[-1])
    padded = np.pad(rows, ((w, w), (0, 0)))
    windows = [padded[i : i + 2 * w + 1].reshape(-1) for i in range(len(rows))]
    wide = np.stack(windows) if windows else np.zeros((0, W.shape[0]), x.dtype)
    return (wide @ W + b).reshape(*x.shape[:-1], b.shape[0])


@of("backward.simple_rnn")
def last_gradient_twice(d_h, x, h_0, W_xh, W_hh, b_h):
    """Wrong: what the last step hands back begins with the last incoming gradient, which is added there again."""
    t = x.shape[-2]
    h = [h_0]
    for i in range(t):
        h.append(np.tanh(x[..., i, :] @ W_xh + h[-1] @ W_hh + b_h))
    slopes, carry = np.zeros((*x.shape[:-1], h_0.shape[-1]), x.dtype), np.zeros_like(h_0)
    if t:
        carry = d_h[..., -1, :]
    for i in reversed(range(t)):
        slopes[..., i, :] = (d_h[..., i, :] + carry) * (1 - h[i + 1] ** 2)
        carry = slopes[..., i, :] @ W_hh.T
    before = np.stack(h[:-1], -2) if t else np.zeros_like(slopes)
    return slopes @ W_xh.T, carry, turned(x) @ slopes, turned(before) @ slopes, slopes.sum(-2)


@of("backward.embedding")
def runs_are_assigned(d_x, k, P):
    """Wrong: gradients of equal neighbouring tokens are summed, and each such run is assigned and not added."""
    lead = d_x.shape[:-2]
    out = np.zeros((*lead, *P.shape), d_x.dtype)
    for at in np.ndindex(*lead):
        start = 0
        for i in range(1, k.shape[-1] + 1):
            if i == k.shape[-1] or k[at][i] != k[at][start]:
                if k[at][start] >= 0:
                    out[at][k[at][start]] = d_x[at][start:i].sum(0)
                start = i
    return out


@of("backward.layer_norm")
def eps_beside_the_root(d_y, x, gamma, beta, *, eps):
    """Wrong: in the backward pass eps is added to the standard deviation, not under the root."""
    centred = x - x.mean(-1, keepdims=True)
    s = np.sqrt(np.square(centred).mean(-1, keepdims=True)) + x.dtype.type(eps)
    x_hat, d = centred / s, d_y * gamma
    d_x = (d - d.mean(-1, keepdims=True) - x_hat * (d * x_hat).mean(-1, keepdims=True)) / s
    return d_x, d_y * x_hat, d_y.copy()


@of("backward.scaled_dot_product")
def not_turned_where_square(d_o, q, k, v):
    """Wrong: where there are as many queries as keys, the scores' gradient is not turned for that of the keys."""
    scale = q.dtype.type(1 / math.sqrt(q.shape[-1]))
    p = softmax(q @ turned(k) * scale)
    d_p = d_o @ turned(v)
    d_e = p * (d_p - (p * d_p).sum(-1, keepdims=True)) * scale
    back = d_e if q.shape[-2] == k.shape[-2] else turned(d_e)
    return d_e @ k, back @ q, turned(p) @ d_o


@of("position.sinusoidal")
def odd_column_stays_zero(*, t, d):
    """Wrong: of an odd width only the pairs are written, and the last column stays 0."""
    angle = np.arange(t)[:, None] / 10000.0 ** (2 * np.arange(d // 2) / max(d, 1))
    e = np.zeros((t, d))
    e[:, 0 : 2 * (d // 2) : 2], e[:, 1 : 2 * (d // 2) : 2] = np.sin(angle), np.cos(angle)
    return e.astype(np.float32)


@of("seq2seq.until_stop")
def first_place_may_be_stop(token, *, stop):
    """Wrong: a `stop` in the first place, taken for the sign of the beginning, ends nothing."""
    met = token == stop
    met[..., :1] = False
    return np.where(np.logical_or.accumulate(met, -1), stop, token).astype(token.dtype)


@of("recurrent.gru_reset_after")
def bias_outside_the_reset(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Wrong: the reset gate acts on the product alone, and the second bias is added beside it."""
    h, out = h_0, np.empty((*x.shape[:-1], h_0.shape[-1]), x.dtype)
    for t in range(x.shape[-2]):
        row = x[..., t, :]
        r = sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = sigmoid(row @ W_xz + h @ W_hz + b_z)
        h = z * h + (1 - z) * np.tanh(row @ W_xh + b_h + r * (h @ W_hh) + b_hh)
        out[..., t, :] = h
    return out


@of("seq2seq.context_mean")
def rows_of_zeros_are_padding(h):
    """Wrong: the sum is divided by the number of rows that are not all 0, which are taken for padding."""
    count = h.any(-1).sum(-1, keepdims=True)
    return (h.sum(-2) / np.maximum(count, 1)).astype(h.dtype)


@of("recurrent.lstm_lengths")
def cell_runs_through_padding(x, length, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: in padding the hidden state rests, and the cell state goes on."""
    h, c, out = h_0, c_0, np.zeros((*x.shape[:-1], h_0.shape[-1]), x.dtype)
    for t in range(x.shape[-2]):
        row = x[..., t, :]
        i = sigmoid(row @ W_xi + h @ W_hi + b_i)
        f = sigmoid(row @ W_xf + h @ W_hf + b_f)
        g = np.tanh(row @ W_xg + h @ W_hg + b_g)
        c = f * c + i * g
        runs = (t < length)[..., None]
        h = np.where(runs, sigmoid(row @ W_xo + h @ W_ho + b_o) * np.tanh(c), h)
        out[..., t, :] = np.where(runs, h, 0)
    return out, h.copy(), c.copy()
