"""Gradients: computed by hand, and by automatic differentiation of a forward pass with a slip in it."""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from attnspec import implements

np_of = partial(implements, framework="numpy")
of = partial(implements, framework="torch")
back = partial(implements, framework="torch", backward=True)


def turned(a):
    return np.swapaxes(a, -1, -2)


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return p / p.sum(-1, keepdims=True)


@np_of("backward.softmax")
def d_softmax(d_α, e):
    """Right: α(dα - Σ α dα)."""
    α = softmax(e)
    return α * (d_α - (α * d_α).sum(-1, keepdims=True))


@np_of("backward.softmax")
def d_softmax_no_sum(d_α, e):
    """Wrong: the path through the sum is missing: α dα only."""
    return softmax(e) * d_α


@np_of("backward.softmax")
def d_softmax_diagonal(d_α, e):
    """Wrong: only the diagonal of the Jacobian: α(1 - α) dα."""
    α = softmax(e)
    return α * (1 - α) * d_α


@np_of("backward.softmax")
def d_softmax_column(d_α, e):
    """Wrong: the sum that is taken off runs over the rows of the matrix, not over the keys."""
    α = softmax(e)
    return α * (d_α - (α * d_α).sum(-2, keepdims=True))


@np_of("backward.cross_entropy")
def d_ce_sign(d_loss, logits, target):
    """Wrong: the sign: one-hot less p."""
    hot = np.arange(logits.shape[-1]) == target[..., None]
    return d_loss[..., None] * (hot - softmax(logits))


@np_of("backward.cross_entropy")
def d_ce_divided(d_loss, logits, target):
    """Wrong: divided by the number of classes."""
    hot = np.arange(logits.shape[-1]) == target[..., None]
    return d_loss[..., None] * (softmax(logits) - hot) / logits.dtype.type(logits.shape[-1])


@np_of("backward.cross_entropy")
def d_ce_no_incoming(d_loss, logits, target):
    """Wrong: the incoming gradient is not multiplied in, it is taken for 1."""
    hot = np.arange(logits.shape[-1]) == target[..., None]
    return (softmax(logits) - hot).astype(logits.dtype)


@np_of("backward.linear", batch=(0,))
def d_linear(d_y, x, W, b):
    """Right: two products and a sum."""
    return d_y @ W.T, x.T @ d_y, d_y.sum(0)


@np_of("backward.linear", batch=(0,))
def d_linear_mean(d_y, x, W, b):
    """Wrong: the gradient of the bias is the mean over the rows, not the sum."""
    return d_y @ W.T, x.T @ d_y, d_y.mean(0) if len(d_y) else d_y.sum(0)


@np_of("backward.linear", batch=(0,))
def d_linear_last(d_y, x, W, b):
    """Wrong: the gradient of the weight is summed over the first 128 rows only."""
    return d_y @ W.T, x[:128].T @ d_y[:128], d_y.sum(0)


@np_of("backward.linear", batch=(0,))
def d_linear_tile(d_y, x, W, b):
    """Wrong: the bias gradient is summed in tiles of 32 rows, each of which overwrites the one before."""
    d_b = np.zeros_like(b)
    for i in range(0, len(d_y), 32):
        d_b = d_y[i : i + 32].sum(0)
    return d_y @ W.T, x.T @ d_y, d_b


@np_of("backward.layer_norm")
def d_layer_norm(d_y, x, γ, β, *, eps):
    """Right: both sums are taken off."""
    c = x - x.mean(-1, keepdims=True)
    s = np.sqrt((c * c).mean(-1, keepdims=True) + x.dtype.type(eps))
    x̂, g = c / s, d_y * γ
    return (g - g.mean(-1, keepdims=True) - x̂ * (g * x̂).mean(-1, keepdims=True)) / s, d_y * x̂, d_y.copy()


@np_of("backward.layer_norm")
def d_ln_no_variance(d_y, x, γ, β, *, eps):
    """Wrong: the path through the variance is missing."""
    c = x - x.mean(-1, keepdims=True)
    s = np.sqrt((c * c).mean(-1, keepdims=True) + x.dtype.type(eps))
    g = d_y * γ
    return (g - g.mean(-1, keepdims=True)) / s, d_y * c / s, d_y.copy()


@np_of("backward.layer_norm")
def d_ln_gain_late(d_y, x, γ, β, *, eps):
    """Wrong: γ multiplies at the end, behind the means, not the incoming gradient."""
    c = x - x.mean(-1, keepdims=True)
    s = np.sqrt((c * c).mean(-1, keepdims=True) + x.dtype.type(eps))
    x̂ = c / s
    d_x = γ * (d_y - d_y.mean(-1, keepdims=True) - x̂ * (d_y * x̂).mean(-1, keepdims=True)) / s
    return d_x, d_y * x̂, d_y.copy()


@np_of("backward.layer_norm")
def d_ln_gain_raw(d_y, x, γ, β, *, eps):
    """Wrong: the gradient of γ reads x, not the normalised x."""
    c = x - x.mean(-1, keepdims=True)
    s = np.sqrt((c * c).mean(-1, keepdims=True) + x.dtype.type(eps))
    x̂, g = c / s, d_y * γ
    return (g - g.mean(-1, keepdims=True) - x̂ * (g * x̂).mean(-1, keepdims=True)) / s, d_y * x, d_y.copy()


@np_of("backward.scaled_dot_product")
def d_attention(d_o, q, k, v):
    """Right: with the row sums of dO and O."""
    r = 1 / np.sqrt(q.dtype.type(q.shape[-1]))
    p = softmax(q @ turned(k) * r)
    d_p = d_o @ turned(v)
    d_s = p * (d_p - (d_o * (p @ v)).sum(-1, keepdims=True))
    return d_s @ k * r, turned(d_s) @ q * r, turned(p) @ d_o


@np_of("backward.scaled_dot_product")
def d_attention_key_scale(d_o, q, k, v):
    """Wrong: the gradient of the keys is not scaled."""
    r = 1 / np.sqrt(q.dtype.type(q.shape[-1]))
    p = softmax(q @ turned(k) * r)
    d_p = d_o @ turned(v)
    d_s = p * (d_p - (d_o * (p @ v)).sum(-1, keepdims=True))
    return d_s @ k * r, turned(d_s) @ q, turned(p) @ d_o


@np_of("backward.scaled_dot_product")
def d_attention_no_delta(d_o, q, k, v):
    """Wrong: softmax's row sum D is not taken off."""
    r = 1 / np.sqrt(q.dtype.type(q.shape[-1]))
    p = softmax(q @ turned(k) * r)
    d_s = p * (d_o @ turned(v))
    return d_s @ k * r, turned(d_s) @ q * r, turned(p) @ d_o


@np_of("backward.scaled_dot_product")
def d_attention_delta_value(d_o, q, k, v):
    """Wrong: D is the mean of dO*O over the features, not the sum."""
    r = 1 / np.sqrt(q.dtype.type(q.shape[-1]))
    p = softmax(q @ turned(k) * r)
    d_s = p * (d_o @ turned(v) - (d_o * (p @ v)).mean(-1, keepdims=True))
    return d_s @ k * r, turned(d_s) @ q * r, turned(p) @ d_o


@np_of("backward.scaled_dot_product")
def d_attention_last_tile(d_o, q, k, v):
    """Wrong: dq is assigned, not added, per tile of 64 keys: only the last tile remains."""
    r = 1 / np.sqrt(q.dtype.type(q.shape[-1]))
    p = softmax(q @ turned(k) * r)
    d_s = p * (d_o @ turned(v) - (d_o * (p @ v)).sum(-1, keepdims=True))
    d_q = np.zeros_like(q)
    for j in range(0, k.shape[-2], 64):
        d_q = d_s[..., j : j + 64] @ k[..., j : j + 64, :] * r
    return d_q, turned(d_s) @ q * r, turned(p) @ d_o


@np_of("backward.causal", batch=(0,))
def d_causal_unmasked(d_o, q, k, v):
    """Wrong: the weights are recomputed without the causal mask in the backward pass."""
    r = 1 / np.sqrt(q.dtype.type(q.shape[-1]))
    p = softmax(q @ turned(k) * r)
    d_s = p * (d_o @ turned(v) - (d_o * (p @ v)).sum(-1, keepdims=True))
    return d_s @ k * r, turned(d_s) @ q * r, turned(p) @ d_o


@np_of("backward.embedding", batch=(0,))
def d_embedding_last(d_x, k, P):
    """Wrong: of a token that occurs more than once, only the last occurrence counts (assigned, not added)."""
    d_P = np.zeros_like(P)
    for row, token in zip(d_x, k, strict=True):
        if 0 <= token < len(P):
            d_P[token] = row
    return d_P


@np_of("backward.embedding", batch=(0,))
def d_embedding_mean(d_x, k, P):
    """Wrong: divided by how often the token occurs (scale_grad_by_freq)."""
    d_P, counts = np.zeros_like(P), np.zeros(len(P), P.dtype)
    for row, token in zip(d_x, k, strict=True):
        if 0 <= token < len(P):
            d_P[token] += row
            counts[token] += 1
    return d_P / np.maximum(counts, 1)[:, None]


@np_of("backward.simple_rnn_cell", batch=(0,))
def d_rnn_no_tanh(d_h_next, x, h, W_xh, W_hh, b_h):
    """Wrong: 1 - h², where h is the old state, not the new one."""
    d_a = d_h_next * (1 - h * h)
    return W_xh @ d_a, W_hh @ d_a, np.outer(x, d_a), np.outer(h, d_a), d_a


@np_of("backward.simple_rnn_cell", batch=(0,))
def d_rnn_transposed(d_h_next, x, h, W_xh, W_hh, b_h):
    """Wrong: the gradient of the state goes through W_hh transposed the wrong way."""
    new = np.tanh(x @ W_xh + h @ W_hh + b_h)
    d_a = d_h_next * (1 - new * new)
    return W_xh @ d_a, d_a @ W_hh.T.T, np.outer(x, d_a), np.outer(h, d_a), d_a


@np_of("backward.gru_gates")
def d_gates_no_carry(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh):
    """Wrong: the direct path dh z to the old state is dropped."""
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde * h_tilde)
    d_rh = d_a_h @ W_hh.T
    d_a_r = d_rh * h * r * (1 - r)
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    return d_rh * r + d_a_r @ W_hr.T + d_a_z @ W_hz.T, d_a_r, d_a_z, d_a_h


@np_of("backward.gru_gates")
def d_gates_z(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh):
    """Wrong: z for 1 - z in the gradient of the candidate."""
    d_a_h = d_h_next * z * (1 - h_tilde * h_tilde)
    d_rh = d_a_h @ W_hh.T
    d_a_r = d_rh * h * r * (1 - r)
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    return d_h_next * z + d_rh * r + d_a_r @ W_hr.T + d_a_z @ W_hz.T, d_a_r, d_a_z, d_a_h


@np_of("backward.lstm_gates")
def d_lstm_no_output(d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho):
    """Wrong: the cell's gradient lacks the derivative of its tanh."""
    y = np.tanh(c_next)
    d_cell = d_c_next + d_h_next * o
    d_i, d_f, d_g = d_cell * g * i * (1 - i), d_cell * c * f * (1 - f), d_cell * i * (1 - g * g)
    d_o = d_h_next * y * o * (1 - o)
    return d_i @ W_hi.T + d_f @ W_hf.T + d_g @ W_hg.T + d_o @ W_ho.T, d_cell * f, d_i, d_f, d_g, d_o


@np_of("backward.lstm_gates")
def d_lstm_no_carry(d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho):
    """Wrong: the gradient that comes from the next step's cell state is dropped."""
    y = np.tanh(c_next)
    d_cell = d_h_next * o * (1 - y * y)
    d_i, d_f, d_g = d_cell * g * i * (1 - i), d_cell * c * f * (1 - f), d_cell * i * (1 - g * g)
    d_o = d_h_next * y * o * (1 - o)
    return d_i @ W_hi.T + d_f @ W_hf.T + d_g @ W_hg.T + d_o @ W_ho.T, d_cell * f, d_i, d_f, d_g, d_o


@np_of("backward.lstm_gates")
def two_d_lstm(d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho):
    """Wrong: two faults: o's gradient is doubled, and the cell's gradient is handed on without f."""
    y = np.tanh(c_next)
    d_cell = d_c_next + d_h_next * o * (1 - y * y)
    d_i, d_f, d_g = d_cell * g * i * (1 - i), d_cell * c * f * (1 - f), d_cell * i * (1 - g * g)
    d_o = 2 * d_h_next * y * o * (1 - o)
    return d_i @ W_hi.T + d_f @ W_hf.T + d_g @ W_hg.T + d_o @ W_ho.T, d_cell, d_i, d_f, d_g, d_o


# --- by automatic differentiation ---


@back("attention.scaled_dot_product")
def detached_max(q, k, v):
    """Right: the maximum is detached, which changes nothing."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    p = torch.exp(e - e.detach().amax(-1, keepdim=True)) if e.shape[-1] else torch.exp(e)
    return p @ v / p.sum(-1, keepdim=True) if e.shape[-1] else p @ v


@back("attention.scaled_dot_product")
def detached_sum(q, k, v):
    """Wrong: softmax's denominator is detached."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    if not e.shape[-1]:
        return e @ v
    p = torch.exp(e - e.detach().amax(-1, keepdim=True))
    return p / p.detach().sum(-1, keepdim=True) @ v


@back("attention.scaled_dot_product")
def detached_weights(q, k, v):
    """Wrong: the weights are computed under no_grad: nothing flows to query and key."""
    with torch.no_grad():
        α = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    return α @ v


@back("transformer.feed_forward")
def ff_detached_bias(x, W_1, b_1, W_2, b_2):
    """Wrong: the first bias is detached."""
    return torch.relu(x @ W_1 + b_1.detach()) @ W_2 + b_2


@back("transformer.layer_norm")
def ln_detached_variance(x, γ, β, *, eps):
    """Wrong: the variance is detached."""
    variance = x.var(-1, keepdim=True, unbiased=False).detach()
    return (x - x.mean(-1, keepdim=True)) / torch.sqrt(variance + eps) * γ + β


class ScaledSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, W, b):
        ctx.save_for_backward(x, W)
        return x @ W + b

    @staticmethod
    def backward(ctx, d_y):
        x, W = ctx.saved_tensors
        flat_x, flat_d = x.reshape(-1, x.shape[-1]), d_y.reshape(-1, d_y.shape[-1])
        return d_y @ W.mT, flat_x.mT @ flat_d, d_y.reshape(-1, d_y.shape[-2], d_y.shape[-1]).mean(0).sum(0)


@back("transformer.linear", smallest={"batch": 1})
def linear_mean_over_batch(x, W, b):
    """Wrong: the bias's gradient is averaged over the batch, not summed."""
    return ScaledSum.apply(x, W, b)


class HalfGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, e):
        α = torch.softmax(e, -1)
        ctx.save_for_backward(α)
        return α

    @staticmethod
    def backward(ctx, d_α):
        (α,) = ctx.saved_tensors
        return α * (d_α - (α * d_α).sum(-1, keepdim=True)) / 2


@back("attention.weights")
def weights_half_gradient(e):
    """Wrong: a custom backward gives half of the gradient."""
    return HalfGradient.apply(e)


@back("recurrent.gru_cell")
def gru_detached_gate(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the update gate is detached."""
    r = torch.sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = torch.sigmoid(x @ W_xz + h @ W_hz + b_z).detach()
    return z * h + (1 - z) * torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@back("recurrent.simple_rnn", batch=(0,))
def rnn_truncated_bptt(x, h_0, W_xh, W_hh, b_h):
    """Wrong: the state is detached every 8 steps (truncated backpropagation)."""
    h, states = h_0, []
    for t in range(len(x)):
        if t % 8 == 0 and t:
            h = h.detach()
        h = torch.tanh(x[t] @ W_xh + h @ W_hh + b_h)
        states.append(h)
    return torch.stack(states) if states else x.new_zeros(0, h_0.shape[-1])


@back("attention.relu_weights")
def relu_straight(e, v):
    """Wrong: a straight-through estimator: the gradient passes relu as if it were the identity."""
    return (e + (torch.relu(e) - e).detach()) @ v


@back("transformer.feed_forward_gelu")
def gelu_tanh_gradient(x, W_1, b_1, W_2, b_2):
    """Wrong: the tanh approximation of gelu, in the backward pass too."""
    return F.gelu(x @ W_1 + b_1, approximate="tanh") @ W_2 + b_2


@back("attention.causal")
def causal_score_gradient(q, k, v):
    """Wrong: the gradient of the scores is clipped to -0.01..0.01 by a hook."""
    n, m = q.shape[-2], k.shape[-2]
    e = q @ k.mT / math.sqrt(q.shape[-1])
    if e.requires_grad:
        e.register_hook(lambda d: d.clamp(-0.01, 0.01))
    e = e.masked_fill(~torch.ones(n, m, dtype=torch.bool).tril(m - n), float("-inf"))
    α = torch.softmax(e.masked_fill((e == -math.inf).all(-1, keepdim=True), 0), -1)
    return torch.where(torch.ones(n, m, dtype=torch.bool).tril(m - n), α, 0) @ v


@back("seq2seq.cross_entropy")
def ce_detached(logits, target):
    """Wrong: the log-sum-exp is detached: only the target's own logit gets a gradient."""
    return torch.logsumexp(logits, -1).detach() - logits.gather(-1, target[..., None].long())[..., 0]
