"""Right results with wrong gradients, written before any verdict on them, each with the mistake in its docstring."""

import torch
from strangers.in_torch import attended
from torch.nn import functional as F

from attnspec import implements


@implements("strangers.norms.rms_norm", framework="torch")
def root_is_detached(x, gamma, eps):
    """No gradient goes through the root."""
    return x / ((x * x).mean(-1, keepdim=True) + eps).sqrt().detach() * gamma


@implements("strangers.attention.grouped_query", framework="torch")
def keys_are_detached(q, k, v):
    """The keys get no gradient."""
    each = q.shape[-3] // k.shape[-3]
    return attended(q, k.detach().repeat_interleave(each, -3), v.repeat_interleave(each, -3))


class Cap(torch.autograd.Function):
    """cap tanh(e/cap), with a gradient as if it were e."""

    @staticmethod
    def forward(context, e, cap):
        return cap * torch.tanh(e / cap)

    @staticmethod
    def backward(context, d_e):
        return d_e, None


@implements("strangers.attention.soft_capped", framework="torch")
def cap_is_straight_through(q, k, v, cap):
    """The gradient goes through the cap as if it were not there."""
    return Cap.apply(q @ k.mT / q.shape[-1] ** 0.5, cap).softmax(-1) @ v


@implements("strangers.attention.with_sink", framework="torch")
def sink_is_detached(q, k, v, sink):
    """The sink gets no gradient."""
    e = q @ k.mT / q.shape[-1] ** 0.5
    e = torch.cat([e, sink.detach().expand(*e.shape[:-1], 1)], -1)
    return e.softmax(-1)[..., :-1] @ v


class SiLU(torch.autograd.Function):
    """SiLU, with the slope of the sigmoid times its argument alone."""

    @staticmethod
    def forward(context, a):
        context.save_for_backward(a)
        return F.silu(a)

    @staticmethod
    def backward(context, d_y):
        (a,) = context.saved_tensors
        s = torch.sigmoid(a)
        return d_y * a * s * (1 - s)


@implements("strangers.feed_forward.swiglu", framework="torch")
def slope_without_gate(x, W, V, W_2):
    """The slope of SiLU lacks the term σ(a)."""
    return (SiLU.apply(x @ W) * (x @ V)) @ W_2


@implements("strangers.recurrences.linear_attention", framework="torch")
def denominator_is_detached(q, k, v):
    """No gradient goes through the denominator."""
    s = (q.exp() @ k.exp().mT).tril()
    return s @ v / s.sum(-1, keepdim=True).detach()


@implements("strangers.recurrences.gated_delta_rule", framework="torch")
def state_is_truncated(q, k, v, alpha, beta):
    """No gradient goes to earlier steps."""
    S = q.new_zeros(*q.shape[:-2], q.shape[-1], v.shape[-1])
    rows = []
    for t in range(q.shape[-2]):
        S = alpha[..., t, None, None] * S.detach()
        error = v[..., t, :] - (k[..., t, None, :] @ S)[..., 0, :]
        S = S + beta[..., t, None, None] * k[..., t, :, None] * error[..., None, :]
        rows.append((q[..., t, None, :] @ S)[..., 0, :])
    return torch.stack(rows, -2) if rows else v + 0 * (q.sum() + k.sum() + alpha.sum() + beta.sum())


@implements("strangers.recurrences.selective_scan", framework="torch")
def step_is_detached(x, A, W_delta, b_delta, W_B, W_C):
    """The step Δ of the input alone is detached, not that of the decay."""
    delta = F.softplus(x @ W_delta + b_delta, threshold=50)
    B, C = x @ W_B, x @ W_C
    h = x.new_zeros(*x.shape[:-2], *A.shape)
    rows = []
    for t in range(x.shape[-2]):
        step = delta[..., t, :, None]
        h = torch.exp(step * A) * h + step.detach() * x[..., t, :, None] * B[..., t, None, :]
        rows.append((h @ C[..., t, :, None])[..., 0])
    return torch.stack(rows, -2) if rows else x + 0 * (W_delta.sum() + W_B.sum() + W_C.sum() + b_delta.sum() + A.sum())
