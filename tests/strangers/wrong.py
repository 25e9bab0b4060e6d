"""Wrong candidates for the equations, each with the mistake in its docstring."""

import torch
from strangers.in_torch import angles, attended
from torch.nn import functional as F

from attnspec import implements


@implements("strangers.norms.rms_norm", framework="torch")
def eps_outside(x, gamma, eps):
    """eps is added to the root, not under it."""
    return x / ((x * x).mean(-1, keepdim=True).sqrt() + eps) * gamma


@implements("strangers.norms.rms_norm", framework="torch")
def gain_from_zero(x, gamma, eps):
    """1 is added to the gain, as Gemma stores it."""
    return F.rms_norm(x, x.shape[-1:], 1 + gamma, eps)


@implements("strangers.rotations.interleaved", framework="torch")
def slow(x, base):
    """The exponent is half of what it should be."""
    cos, sin = angles(x, base**0.5)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)


@implements("strangers.rotations.interleaved", framework="torch")
def as_halves(x, base):
    """Halves are paired, not neighbours."""
    cos, sin = angles(x, base)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


@implements("strangers.rotations.halves", framework="torch")
def backwards(x, base):
    """The angle has the other sign."""
    cos, sin = angles(x, base)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos + b * sin, b * cos - a * sin], -1)


@implements("strangers.attention.grouped_query", framework="torch")
def tiled_heads(q, k, v):
    """Heads of the keys are tiled, not repeated."""
    tiles = [1] * (k.ndim - 3) + [q.shape[-3] // k.shape[-3], 1, 1]
    return attended(q, k.repeat(tiles), v.repeat(tiles))


@implements("strangers.attention.sliding_window", framework="torch")
def wider(q, k, v, window):
    """The window has one key more."""
    n = q.shape[-2]
    age = torch.arange(n)[:, None] - torch.arange(n)
    return attended(q, k, v, torch.where((age >= 0) & (age <= window), 0.0, -torch.inf).to(q.dtype)).nan_to_num(0.0)


@implements("strangers.attention.sliding_window", framework="torch")
def both_sides(q, k, v, window):
    """The window reaches to both sides."""
    n = q.shape[-2]
    age = (torch.arange(n)[:, None] - torch.arange(n)).abs()
    return attended(q, k, v, torch.where(age < window, 0.0, -torch.inf).to(q.dtype)).nan_to_num(0.0)


@implements("strangers.attention.soft_capped", framework="torch")
def not_scaled_back(q, k, v, cap):
    """The scores are not multiplied by the cap again."""
    e = q @ k.mT / q.shape[-1] ** 0.5
    return torch.tanh(e / cap).softmax(-1) @ v


@implements("strangers.attention.with_sink", framework="torch")
def no_sink(q, k, v, sink):
    """The sink takes no part."""
    return attended(q, k, v)


@implements("strangers.feed_forward.swiglu", framework="torch")
def gates_swapped(x, W, V, W_2):
    """W and V are swapped."""
    return (F.silu(x @ V) * (x @ W)) @ W_2


@implements("strangers.feed_forward.swiglu", framework="torch")
def geglu(x, W, V, W_2):
    """gelu is used instead of silu."""
    return (F.gelu(x @ W) * (x @ V)) @ W_2


@implements("strangers.feed_forward.routing", framework="torch")
def softmax_first(x, router, top):
    """The softmax is taken over all experts, before the best are chosen."""
    best, places = (x @ router).softmax(-1).sort(dim=-1, descending=True, stable=True)
    return torch.zeros_like(best).scatter(-1, places[..., :top], best[..., :top])


@implements("strangers.recurrences.peephole_lstm_cell", framework="torch")
def peeps_at_old_state(
    x, h, c, W_xi, W_hi, p_i, b_i, W_xf, W_hf, p_f, b_f, W_xg, W_hg, b_g, W_xo, W_ho, p_o, b_o
):  # fmt: skip
    """The output gate reads the old cell state."""
    i = torch.sigmoid(x @ W_xi + h @ W_hi + p_i * c + b_i)
    f = torch.sigmoid(x @ W_xf + h @ W_hf + p_f * c + b_f)
    new = f * c + i * torch.tanh(x @ W_xg + h @ W_hg + b_g)
    o = torch.sigmoid(x @ W_xo + h @ W_ho + p_o * c + b_o)
    return o * new.tanh(), new


@implements("strangers.recurrences.linear_attention", framework="torch")
def not_normalised(q, k, v):
    """The sum of the weights is not divided by."""
    return (q.exp() @ k.exp().mT).tril() @ v


@implements("strangers.recurrences.linear_attention_recurrent", framework="torch")
def strictly_before(q, k, v):
    """A query does not read its own key."""
    s = (q.exp() @ k.exp().mT).tril(-1)
    return s @ v / (q.exp() * k.exp().cumsum(-2)).sum(-1, keepdim=True)


@implements("strangers.recurrences.gated_delta_rule", framework="torch")
def error_before_decay(q, k, v, alpha, beta):
    """The error is that of the state before its decay."""
    S = q.new_zeros(*q.shape[:-2], q.shape[-1], v.shape[-1])
    rows = []
    for t in range(q.shape[-2]):
        error = v[..., t, :] - (k[..., t, None, :] @ S)[..., 0, :]
        S = alpha[..., t, None, None] * S + beta[..., t, None, None] * k[..., t, :, None] * error[..., None, :]
        rows.append((q[..., t, None, :] @ S)[..., 0, :])
    return torch.stack(rows, -2) if rows else v


@implements("strangers.recurrences.selective_scan", framework="torch")
def input_without_step(x, A, W_delta, b_delta, W_B, W_C):
    """The input is not multiplied by Δ."""
    delta = F.softplus(x @ W_delta + b_delta)
    B, C = x @ W_B, x @ W_C
    h = x.new_zeros(*x.shape[:-2], *A.shape)
    rows = []
    for t in range(x.shape[-2]):
        h = torch.exp(delta[..., t, :, None] * A) * h + x[..., t, :, None] * B[..., t, None, :]
        rows.append((h @ C[..., t, :, None])[..., 0])
    return torch.stack(rows, -2) if rows else x
