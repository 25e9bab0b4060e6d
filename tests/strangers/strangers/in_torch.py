"""The equations in PyTorch, as current models compute them."""

import torch
from torch.nn import functional as F

from attnspec import implements


@implements("strangers.norms.rms_norm", framework="torch")
def rms_norm(x, gamma, eps):
    return F.rms_norm(x, x.shape[-1:], gamma, eps)


def angles(x, base):
    rows, width = x.shape[-2:]
    theta = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    turned = torch.arange(rows, dtype=torch.float64)[:, None] * theta
    return turned.cos().to(x.dtype), turned.sin().to(x.dtype)


@implements("strangers.rotations.interleaved", framework="torch")
def interleaved(x, base):
    cos, sin = angles(x, base)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)


@implements("strangers.rotations.halves", framework="torch")
def halves(x, base):
    cos, sin = angles(x, base)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def attended(q, k, v, bias=None):
    e = q @ k.mT / q.shape[-1] ** 0.5
    return (e if bias is None else e + bias).softmax(-1) @ v


@implements("strangers.attention.grouped_query", framework="torch")
def grouped_query(q, k, v):
    groups = q.shape[-3] // k.shape[-3]
    return attended(q, k.repeat_interleave(groups, -3), v.repeat_interleave(groups, -3))


@implements("strangers.attention.sliding_window", framework="torch")
def sliding_window(q, k, v, window):
    n = q.shape[-2]
    age = torch.arange(n)[:, None] - torch.arange(n)
    return attended(q, k, v, torch.where((age >= 0) & (age < window), 0.0, -torch.inf).to(q.dtype)).nan_to_num(0.0)


@implements("strangers.attention.soft_capped", framework="torch")
def soft_capped(q, k, v, cap):
    e = q @ k.mT / q.shape[-1] ** 0.5
    return (cap * torch.tanh(e / cap)).softmax(-1) @ v


@implements("strangers.attention.with_sink", framework="torch")
def with_sink(q, k, v, sink):
    e = q @ k.mT / q.shape[-1] ** 0.5
    e = torch.cat([e, sink.expand(*e.shape[:-1], 1)], -1)
    return e.softmax(-1)[..., :-1] @ v


@implements("strangers.feed_forward.swiglu", framework="torch")
def swiglu(x, W, V, W_2):
    return (F.silu(x @ W) * (x @ V)) @ W_2


@implements("strangers.feed_forward.routing", framework="torch")
def routing(x, router, top):
    s = x @ router
    best, places = s.sort(dim=-1, descending=True, stable=True)
    kept = best[..., :top].softmax(-1)
    return torch.zeros_like(s).scatter(-1, places[..., :top], kept)


@implements("strangers.recurrences.peephole_lstm_cell", framework="torch")
def peephole_lstm_cell(
    x, h, c, W_xi, W_hi, p_i, b_i, W_xf, W_hf, p_f, b_f, W_xg, W_hg, b_g, W_xo, W_ho, p_o, b_o
):  # fmt: skip
    i = torch.sigmoid(x @ W_xi + h @ W_hi + p_i * c + b_i)
    f = torch.sigmoid(x @ W_xf + h @ W_hf + p_f * c + b_f)
    c = f * c + i * torch.tanh(x @ W_xg + h @ W_hg + b_g)
    o = torch.sigmoid(x @ W_xo + h @ W_ho + p_o * c + b_o)
    return o * c.tanh(), c


@implements("strangers.recurrences.linear_attention", framework="torch")
def linear_attention(q, k, v):
    s = (q.exp() @ k.exp().mT).tril()
    return s @ v / s.sum(-1, keepdim=True)


@implements("strangers.recurrences.linear_attention_recurrent", framework="torch")
def linear_attention_recurrent(q, k, v):
    features = k.exp()
    S = (features[..., :, None] * v[..., None, :]).cumsum(-3)
    top = (q.exp()[..., None, :] @ S)[..., 0, :]
    return top / (q.exp() * features.cumsum(-2)).sum(-1, keepdim=True)


@implements("strangers.recurrences.gated_delta_rule", framework="torch")
def gated_delta_rule(q, k, v, alpha, beta):
    S = q.new_zeros(*q.shape[:-2], q.shape[-1], v.shape[-1])
    rows = []
    for t in range(q.shape[-2]):
        S = alpha[..., t, None, None] * S
        error = v[..., t, :] - (k[..., t, None, :] @ S)[..., 0, :]
        S = S + beta[..., t, None, None] * k[..., t, :, None] * error[..., None, :]
        rows.append((q[..., t, None, :] @ S)[..., 0, :])
    return torch.stack(rows, -2) if rows else v


@implements("strangers.recurrences.selective_scan", framework="torch")
def selective_scan(x, A, W_delta, b_delta, W_B, W_C):
    delta = F.softplus(x @ W_delta + b_delta, threshold=50)
    B, C = x @ W_B, x @ W_C
    h = x.new_zeros(*x.shape[:-2], *A.shape)
    rows = []
    for t in range(x.shape[-2]):
        step = delta[..., t, :, None]
        h = torch.exp(step * A) * h + step * x[..., t, :, None] * B[..., t, None, :]
        rows.append((h @ C[..., t, :, None])[..., 0])
    return torch.stack(rows, -2) if rows else x
