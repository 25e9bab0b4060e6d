"""The equations in NumPy, some of them."""

import numpy as np

from attnspec import implements


@implements("strangers.norms.rms_norm", framework="numpy")
def rms_norm(x, gamma, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(eps)) * gamma


def softmax(e):
    e = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return e / e.sum(-1, keepdims=True)


@implements("strangers.attention.soft_capped", framework="numpy")
def soft_capped(q, k, v, cap):
    cap = q.dtype.type(cap)
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    return softmax(cap * np.tanh(e / cap)) @ v


@implements("strangers.feed_forward.swiglu", framework="numpy")
def swiglu(x, W, V, W_2):
    a = x @ W
    return (a / (1 + np.exp(-a)) * (x @ V)) @ W_2


@implements("strangers.recurrences.linear_attention", framework="numpy")
def linear_attention(q, k, v):
    s = np.tril(np.exp(q) @ np.swapaxes(np.exp(k), -1, -2))
    return s @ v / s.sum(-1, keepdims=True)
