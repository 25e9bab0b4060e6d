"""Wrong, in NumPy, as it was handed over: a line that takes another operand, another reduction or another place."""

from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy")


def turned(a):
    return np.swapaxes(a, -1, -2)


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    return p / p.sum(-1, keepdims=True)


def by(W, a):
    return (W @ a[..., None])[..., 0]


@of("backward.lstm_gates")
def slope_of_tanh_at_the_input_gate(d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho):
    """Wrong: the slope of the candidate's tanh is taken at the input gate, not at the candidate."""
    y = np.tanh(c_next)
    d_cell = d_c_next + d_h_next * o * (1 - y * y)
    d_a_i = d_cell * g * i * (1 - i)
    d_a_f = d_cell * c * f * (1 - f)
    d_a_g = d_cell * i * (1 - i * i)
    d_a_o = d_h_next * y * o * (1 - o)
    d_h = by(W_hi, d_a_i) + by(W_hf, d_a_f) + by(W_hg, d_a_g) + by(W_ho, d_a_o)
    return d_h, d_cell * f, d_a_i, d_a_f, d_a_g, d_a_o


@of("backward.additive")
def hidden_layer_before_tanh(d_e, s, h, W, U, v_a):
    """Wrong: the vector of the scores learns from what the hidden layer's tanh is of, not from the layer."""
    a = (s @ W)[..., :, None, :] + (h @ U)[..., None, :, :]
    f = np.tanh(a)
    d_v_a = (d_e[..., None] * a).sum((-3, -2))
    d_f = d_e[..., None] * v_a * (1 - f * f)
    d_q, d_k = d_f.sum(-2), d_f.sum(-3)
    return d_q @ W.T, d_k @ U.T, turned(s) @ d_q, turned(h) @ d_k, d_v_a


@of("backward.attention")
def output_matrix_learns_from_values(d_o, x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: where there are as many queries as keys, the output matrix learns from the values, not what is read."""

    def cut(a):
        return np.moveaxis(a.reshape(*a.shape[:-1], heads, a.shape[-1] // heads), -2, -3)

    def joined(a):
        a = np.moveaxis(a, -3, -2)
        return a.reshape(*a.shape[:-2], a.shape[-2] * a.shape[-1])

    q, k, v = cut(x_q @ W_q), cut(x_kv @ W_k), cut(x_kv @ W_v)
    scale = q.dtype.type(1 / np.sqrt(max(q.shape[-1], 1)))
    p = softmax(q @ turned(k) * scale)
    head, d_head = p @ v, cut(d_o @ W_o.T)
    d_p = d_head @ turned(v)
    d_e = p * (d_p - (d_p * p).sum(-1, keepdims=True)) * scale
    d_q, d_k, d_v = joined(d_e @ k), joined(turned(d_e) @ q), joined(turned(p) @ d_head)
    read = joined(v if q.shape[-2] == k.shape[-2] else head)
    d_x_kv = d_k @ W_k.T + d_v @ W_v.T
    return d_q @ W_q.T, d_x_kv, turned(x_q) @ d_q, turned(x_kv) @ d_k, turned(x_kv) @ d_v, turned(read) @ d_o


@of("attention.with_lse")
def logarithm_of_unscaled_scores(q, k, v):
    """Wrong: the logarithm is of the sum over scores that were not scaled yet; the outputs are right."""
    e = q @ turned(k)
    top = e.max(-1, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        lse = shift[..., 0] + np.log(np.exp(e - shift).sum(-1))
    scaled = e * e.dtype.type(1 / np.sqrt(max(q.shape[-1], 1)))
    return (softmax(scaled) if k.shape[-2] else e) @ v, lse


@of("optimizer.adam_l2")
def both_corrected_by_the_first(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the second moment is corrected for its start by the decay rate of the first one."""
    f = theta.dtype.type
    g = g + f(decay) * theta
    m_next = f(beta_1) * m + f(1 - beta_1) * g
    v_next = f(beta_2) * v + f(1 - beta_2) * g * g
    correction = f(1 - beta_1**step)
    m_hat, v_hat = m_next / correction, v_next / correction
    return theta - f(lr) * m_hat / (np.sqrt(v_hat) + f(eps)), m_next, v_next


@of("attention.causal")
def triangle_of_the_kept_size(q, k, v):
    """Wrong: the mask is the last rows of a triangle that is kept for 64 places, also where there are fewer keys."""
    n, m = q.shape[-2], k.shape[-2]
    kept = np.tri(max(64, n, m), dtype=bool)
    seen = kept[len(kept) - n :, :m]
    e = np.where(seen, q @ turned(k) * q.dtype.type(1 / np.sqrt(max(q.shape[-1], 1))), -np.inf)
    top = e.max(-1, keepdims=True, initial=-np.inf)
    p = np.where(seen, np.exp(e - np.where(np.isfinite(top), top, 0)), 0)
    return p / np.maximum(p.sum(-1, keepdims=True), np.finfo(p.dtype).tiny) @ v


@of("backward.gru_gates")
def reset_state_handed_back_by_update(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh):
    """Wrong: what reaches the reset state is handed to the state before by the update gate, not by the reset gate."""
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde * h_tilde)
    d_rh = by(W_hh, d_a_h)
    d_a_r = d_rh * h * r * (1 - r)
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    d_h = (d_h_next + d_rh) * z + by(W_hr, d_a_r) + by(W_hz, d_a_z)
    return d_h, d_a_r, d_a_z, d_a_h


@of("backward.softmax")
def mean_is_taken_off(d_alpha, e):
    """Wrong: the mean of the weighted gradients of a row is taken off, not their sum."""
    alpha = softmax(e)
    weighted = alpha * d_alpha
    return weighted - alpha * weighted.sum(-1, keepdims=True) / max(e.shape[-1], 1)
