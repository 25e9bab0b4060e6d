"""Wrong candidates in NumPy, written before any verdict on them, each with the mistake in its docstring."""

import numpy as np
from strangers.in_numpy import angles, scores, sigmoid, softmax

from attnspec import implements


@implements("strangers.norms.rms_norm", framework="numpy")
def centred(x, gamma, eps):
    """The mean is subtracted first, as layer norm does."""
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(eps)) * gamma


@implements("strangers.norms.rms_norm", framework="numpy")
def summed(x, gamma, eps):
    """The squares are summed, not averaged."""
    return x / np.sqrt((x * x).sum(-1, keepdims=True) + x.dtype.type(eps)) * gamma


@implements("strangers.rotations.interleaved", framework="numpy")
def from_one(x, base):
    """Places are counted from 1."""
    rows, width = x.shape[-2:]
    turned = np.arange(1, rows + 1)[:, None] * float(base) ** (-np.arange(0, width, 2) / width)
    cos, sin = np.cos(turned).astype(x.dtype), np.sin(turned).astype(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return np.stack([a * cos - b * sin, b * cos + a * sin], -1).reshape(x.shape)


@implements("strangers.rotations.halves", framework="numpy")
def neighbours(x, base):
    """Neighbours are paired, not halves."""
    cos, sin = angles(x, base)
    a, b = x[..., 0::2], x[..., 1::2]
    return np.stack([a * cos - b * sin, b * cos + a * sin], -1).reshape(x.shape)


@implements("strangers.attention.grouped_query", framework="numpy")
def unscaled(q, k, v):
    """The scores are not divided by √d."""
    each = q.shape[-3] // k.shape[-3]
    return softmax(q @ k.repeat(each, axis=-3).swapaxes(-1, -2)) @ v.repeat(each, axis=-3)


@implements("strangers.attention.sliding_window", framework="numpy")
def looks_ahead(q, k, v, window):
    """The window lies behind the query, not before it."""
    n = q.shape[-2]
    age = np.arange(n) - np.arange(n)[:, None]
    return softmax(np.where((age >= 0) & (age < window), scores(q, k), -np.inf)) @ v


@implements("strangers.attention.soft_capped", framework="numpy")
def clipped(q, k, v, cap):
    """Scores are clipped at ±cap."""
    return softmax(np.clip(scores(q, k), -cap, cap)) @ v


@implements("strangers.attention.with_sink", framework="numpy")
def sink_is_one(q, k, v, sink):
    """1 is added to the denominator, as if the sink were 0."""
    e = scores(q, k)
    top = np.maximum(e.max(-1, keepdims=True, initial=-np.inf), 0)
    e = np.exp(e - top)
    return e / (e.sum(-1, keepdims=True) + np.exp(-top)) @ v


@implements("strangers.feed_forward.swiglu", framework="numpy")
def glu(x, W, V, W_2):
    """The gate is a sigmoid, without its argument as a factor."""
    return (sigmoid(x @ W) * (x @ V)) @ W_2


@implements("strangers.feed_forward.routing", framework="numpy")
def all_experts(x, router, top):
    """Every expert gets its weight."""
    return softmax(x @ router)


@implements("strangers.recurrences.peephole_lstm_cell", framework="numpy")
def forget_and_input_coupled(
    x, h, c, W_xi, W_hi, p_i, b_i, W_xf, W_hf, p_f, b_f, W_xg, W_hg, b_g, W_xo, W_ho, p_o, b_o
):  # fmt: skip
    """The input gate is 1 − f."""
    f = sigmoid(x @ W_xf + h @ W_hf + p_f * c + b_f)
    c = f * c + (1 - f) * np.tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + p_o * c + b_o)
    return o * np.tanh(c), c


@implements("strangers.recurrences.linear_attention", framework="numpy")
def sees_all(q, k, v):
    """Later keys take part."""
    s = np.exp(q) @ np.exp(k).swapaxes(-1, -2)
    return s @ v / s.sum(-1, keepdims=True)


@implements("strangers.recurrences.linear_attention_recurrent", framework="numpy")
def normalised_by_all(q, k, v):
    """The normaliser is that of the last step at every step."""
    S, y = np.zeros((*q.shape[:-2], q.shape[-1], v.shape[-1]), q.dtype), np.empty_like(v)
    z = np.exp(k).sum(-2)
    for t in range(q.shape[-2]):
        query = np.exp(q[..., t, None, :])
        S = S + np.exp(k[..., t, :, None]) * v[..., t, None, :]
        y[..., t, :] = (query @ S)[..., 0, :] / (query @ z[..., None])[..., 0]
    return y


@implements("strangers.recurrences.gated_delta_rule", framework="numpy")
def without_error(q, k, v, alpha, beta):
    """What the state has for the key is not forgotten."""
    S, y = np.zeros((*q.shape[:-2], q.shape[-1], v.shape[-1]), q.dtype), np.empty_like(v)
    for t in range(q.shape[-2]):
        S = alpha[..., t, None, None] * S + beta[..., t, None, None] * k[..., t, :, None] * v[..., t, None, :]
        y[..., t, :] = (q[..., t, None, :] @ S)[..., 0, :]
    return y


@implements("strangers.recurrences.selective_scan", framework="numpy")
def decay_without_step(x, A, W_delta, b_delta, W_B, W_C):
    """The state decays by exp(A) at every step."""
    delta = np.logaddexp(0, x @ W_delta + b_delta)
    B, C = x @ W_B, x @ W_C
    h, y = np.zeros((*x.shape[:-2], *A.shape), x.dtype), np.empty_like(x)
    for t in range(x.shape[-2]):
        h = np.exp(A) * h + delta[..., t, :, None] * x[..., t, :, None] * B[..., t, None, :]
        y[..., t, :] = (h @ C[..., t, :, None])[..., 0]
    return y
