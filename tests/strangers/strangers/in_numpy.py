"""The equations in NumPy."""

import functools

import numpy as np

from attnspec import implements


def in_single(function):
    """A function whose float16 arrays are computed in float32, and whose results are rounded once."""

    @functools.wraps(function)
    def computed(*arrays, **options):
        if not any(getattr(array, "dtype", None) == np.float16 for array in arrays):
            return function(*arrays, **options)
        made = function(*(np.float32(a) if isinstance(a, np.ndarray) else a for a in arrays), **options)
        return tuple(map(np.float16, made)) if isinstance(made, tuple) else np.float16(made)

    return computed


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def softmax(e):
    e = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return e / e.sum(-1, keepdims=True)


def scores(q, k):
    return q @ k.swapaxes(-1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))


@implements("strangers.norms.rms_norm", framework="numpy")
@in_single
def rms_norm(x, gamma, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(eps)) * gamma


def angles(x, base):
    rows, width = x.shape[-2:]
    turned = np.arange(rows)[:, None] * float(base) ** (-np.arange(0, width, 2) / width)
    return np.cos(turned).astype(x.dtype), np.sin(turned).astype(x.dtype)


@implements("strangers.rotations.interleaved", framework="numpy")
@in_single
def interleaved(x, base):
    cos, sin = angles(x, base)
    y = np.empty_like(x)
    y[..., 0::2] = x[..., 0::2] * cos - x[..., 1::2] * sin
    y[..., 1::2] = x[..., 1::2] * cos + x[..., 0::2] * sin
    return y


@implements("strangers.rotations.halves", framework="numpy")
@in_single
def halves(x, base):
    cos, sin = angles(x, base)
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


@implements("strangers.attention.grouped_query", framework="numpy")
@in_single
def grouped_query(q, k, v):
    each = q.shape[-3] // k.shape[-3]
    return softmax(scores(q, k.repeat(each, axis=-3))) @ v.repeat(each, axis=-3)


@implements("strangers.attention.sliding_window", framework="numpy")
@in_single
def sliding_window(q, k, v, window):
    n = q.shape[-2]
    age = np.arange(n)[:, None] - np.arange(n)
    return softmax(np.where((age >= 0) & (age < window), scores(q, k), -np.inf)) @ v


@implements("strangers.attention.soft_capped", framework="numpy")
@in_single
def soft_capped(q, k, v, cap):
    cap = q.dtype.type(cap)
    return softmax(cap * np.tanh(scores(q, k) / cap)) @ v


@implements("strangers.attention.with_sink", framework="numpy")
@in_single
def with_sink(q, k, v, sink):
    e = scores(q, k)
    sink = sink[..., None, None] if sink.ndim else sink
    top = np.maximum(e.max(-1, keepdims=True, initial=-np.inf), sink)
    e = np.exp(e - top)
    return e / (e.sum(-1, keepdims=True) + np.exp(sink - top)) @ v


@implements("strangers.feed_forward.swiglu", framework="numpy")
@in_single
def swiglu(x, W, V, W_2):
    a = x @ W
    return (a / (1 + np.exp(-a)) * (x @ V)) @ W_2


@implements("strangers.feed_forward.routing", framework="numpy")
@in_single
def routing(x, router, top):
    s = x @ router
    rank = np.argsort(np.argsort(-s, axis=-1, kind="stable"), axis=-1, kind="stable")
    return softmax(np.where(rank < top, s, -np.inf))


@implements("strangers.recurrences.peephole_lstm_cell", framework="numpy")
@in_single
def peephole_lstm_cell(
    x, h, c, W_xi, W_hi, p_i, b_i, W_xf, W_hf, p_f, b_f, W_xg, W_hg, b_g, W_xo, W_ho, p_o, b_o
):  # fmt: skip
    i = sigmoid(x @ W_xi + h @ W_hi + p_i * c + b_i)
    f = sigmoid(x @ W_xf + h @ W_hf + p_f * c + b_f)
    c = f * c + i * np.tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + p_o * c + b_o)
    return o * np.tanh(c), c


@implements("strangers.recurrences.linear_attention", framework="numpy")
@in_single
def linear_attention(q, k, v):
    s = np.tril(np.exp(q) @ np.exp(k).swapaxes(-1, -2))
    return s @ v / s.sum(-1, keepdims=True)


@implements("strangers.recurrences.linear_attention_recurrent", framework="numpy")
@in_single
def linear_attention_recurrent(q, k, v):
    S = np.zeros((*q.shape[:-2], q.shape[-1], v.shape[-1]), q.dtype)
    z = np.zeros((*q.shape[:-2], q.shape[-1]), q.dtype)
    y = np.empty_like(v)
    for t in range(q.shape[-2]):
        feature, query = np.exp(k[..., t, :]), np.exp(q[..., t, None, :])
        S, z = S + feature[..., None] * v[..., t, None, :], z + feature
        y[..., t, :] = (query @ S)[..., 0, :] / (query @ z[..., None])[..., 0]
    return y


@implements("strangers.recurrences.gated_delta_rule", framework="numpy")
@in_single
def gated_delta_rule(q, k, v, alpha, beta):
    S = np.zeros((*q.shape[:-2], q.shape[-1], v.shape[-1]), q.dtype)
    y = np.empty_like(v)
    for t in range(q.shape[-2]):
        S = alpha[..., t, None, None] * S
        error = v[..., t, None, :] - k[..., t, None, :] @ S
        S = S + beta[..., t, None, None] * k[..., t, :, None] * error
        y[..., t, :] = (q[..., t, None, :] @ S)[..., 0, :]
    return y


@implements("strangers.recurrences.selective_scan", framework="numpy")
@in_single
def selective_scan(x, A, W_delta, b_delta, W_B, W_C):
    delta = np.logaddexp(0, x @ W_delta + b_delta)
    B, C = x @ W_B, x @ W_C
    h = np.zeros((*x.shape[:-2], *A.shape), x.dtype)
    y = np.empty_like(x)
    for t in range(x.shape[-2]):
        step = delta[..., t, :, None]
        h = np.exp(step * A) * h + step * x[..., t, :, None] * B[..., t, None, :]
        y[..., t, :] = (h @ C[..., t, :, None])[..., 0]
    return y
