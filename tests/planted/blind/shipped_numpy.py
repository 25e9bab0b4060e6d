"""Wrong, in NumPy, as it was shipped: gradients, gates, losses and optimisers of ports and kernels."""

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


@of("backward.scaled_dot_product")
def powers_of_two_of_natural_lse(d_o, q, k, v):
    """Wrong: weights are made anew as 2 to the score in base 2 less a log-sum-exp that is kept in base e."""
    scale = q.dtype.type(q.shape[-1] ** -0.5)
    e = q @ turned(k) * scale
    top = e.max(-1, keepdims=True)
    total = np.exp(e - top).sum(-1, keepdims=True)
    lse = top + np.log(total)
    o = np.exp(e - lse) @ v
    p = np.exp2(e * e.dtype.type(np.log2(np.e)) - lse)
    delta = (d_o * o).sum(-1, keepdims=True)
    d_e = p * (d_o @ turned(v) - delta)
    return d_e @ k * scale, turned(d_e) @ q * scale, turned(p) @ d_o


@of("backward.scaled_dot_product")
def scaled_query_is_scaled_again(d_o, q, k, v):
    """Wrong: the query is scaled when it is loaded, and what it gives to the keys' gradient is scaled once more."""
    scale = q.dtype.type(q.shape[-1] ** -0.5)
    scaled = q * scale
    p = softmax(scaled @ turned(k))
    delta = (d_o * (p @ v)).sum(-1, keepdims=True)
    d_e = p * (d_o @ turned(v) - delta)
    return d_e @ k * scale, turned(d_e) @ scaled * scale, turned(p) @ d_o


@of("backward.causal")
def queries_begin_at_the_keys_place(d_o, q, k, v):
    """Wrong: for a tile of 32 keys the loop begins at the query of the tile's own place, without the offset m - n."""
    n, m, tile = q.shape[-2], k.shape[-2], 32
    scale = q.dtype.type(q.shape[-1] ** -0.5)
    seen = np.tri(n, m, m - n, dtype=bool)
    e = np.where(seen, q @ turned(k) * scale, -np.inf)
    top = e.max(-1, keepdims=True, initial=-np.inf)
    p = np.where(seen, np.exp(e - np.where(np.isfinite(top), top, 0)), 0)
    p = p / np.maximum(p.sum(-1, keepdims=True), np.finfo(p.dtype).tiny)
    delta = (d_o * (p @ v)).sum(-1, keepdims=True)
    d_e = p * (d_o @ turned(v) - delta) * scale
    d_k, d_v = np.zeros_like(k), np.zeros_like(v)
    for start in range(0, m, tile):
        keys, queries = slice(start, start + tile), slice(min(start, n), n)
        d_k[..., keys, :] = turned(d_e[..., queries, keys]) @ q[..., queries, :]
        d_v[..., keys, :] = turned(p[..., queries, keys]) @ d_o[..., queries, :]
    return d_e @ k, d_k, d_v


@of("transformer.layer_norm")
def shift_before_gain(x, gamma, beta, *, eps):
    """Wrong: the shift is added to the normalised row before the gain multiplies it."""
    centred = x - x.mean(-1, keepdims=True)
    return (centred / np.sqrt(np.square(centred).mean(-1, keepdims=True) + x.dtype.type(eps)) + beta) * gamma


@of("transformer.layer_norm")
def squares_without_their_tail(x, gamma, beta, *, eps):
    """Wrong: the mean counts all elements, the squares only those of whole vectors of four, both over d."""
    d = x.shape[-1]
    centred = x - x.sum(-1, keepdims=True) / max(d, 1)
    whole = centred[..., : d - d % 4]
    variance = np.square(whole).sum(-1, keepdims=True) / max(d, 1)
    return (centred / np.sqrt(variance + x.dtype.type(eps)) * gamma + beta).astype(x.dtype)


@of("backward.cross_entropy")
def one_is_not_scaled(d_loss, logits, target):
    """Wrong: probabilities are multiplied by the incoming gradient first, and 1 is taken off the target's then."""
    d = softmax(logits) * d_loss[..., None]
    return d - (np.arange(logits.shape[-1]) == target[..., None]).astype(d.dtype)


@of("seq2seq.distillation_logits")
def logarithm_divided_by_temperature(logits_teacher, logits_student, *, tau):
    """Wrong: the student's log-softmax is divided by τ, where its logits should be."""
    shifted = logits_student - logits_student.max(-1, keepdims=True)
    log_q = (shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))) / shifted.dtype.type(tau)
    return -(softmax(logits_teacher / logits_teacher.dtype.type(tau)) * log_q).sum(-1)


@of("recurrent.gru")
def biases_stay_in_order(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: matrices are packed as r, z, h from the order z, r, h, and the biases are left as they were."""
    u = h_0.shape[-1]
    W_x, W_h = np.concatenate([W_xr, W_xz], 1), np.concatenate([W_hr, W_hz], 1)
    b = np.concatenate([b_z, b_r])
    h, out = h_0, np.empty((*x.shape[:-1], u), x.dtype)
    for t in range(x.shape[-2]):
        row = x[..., t, :]
        gates = sigmoid(row @ W_x + h @ W_h + b)
        r, z = gates[..., :u], gates[..., u:]
        h = z * h + (1 - z) * np.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        out[..., t, :] = h
    return out


@of("recurrent.gru_reset_after")
def later_units_read_the_new_state(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Wrong: units are stepped in tiles of 16 in place, so that the second tile reads the first one's new state."""
    u, h = h_0.shape[-1], h_0.copy()
    out = np.empty((*x.shape[:-1], u), x.dtype)
    for t in range(x.shape[-2]):
        row = x[..., t, :]
        for start in range(0, u, 16):
            c = slice(start, start + 16)
            r = sigmoid(row @ W_xr[:, c] + h @ W_hr[:, c] + b_r[c])
            z = sigmoid(row @ W_xz[:, c] + h @ W_hz[:, c] + b_z[c])
            n = np.tanh(row @ W_xh[:, c] + b_h[c] + r * (h @ W_hh[:, c] + b_hh[c]))
            h[..., c] = z * h[..., c] + (1 - z) * n
        out[..., t, :] = h
    return out


@of("optimizer.adam_l2")
def second_moment_without_decay(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the decay goes into the first moment alone. https://github.com/apache/mxnet/issues/5099"""
    f = theta.dtype.type
    m_next = f(beta_1) * m + f(1 - beta_1) * (g + f(decay) * theta)
    v_next = f(beta_2) * v + f(1 - beta_2) * g * g
    m_hat, v_hat = m_next / f(1 - beta_1**step), v_next / f(1 - beta_2**step)
    return theta - f(lr) * m_hat / (np.sqrt(v_hat) + f(eps)), m_next, v_next


@of("generation.beam_step")
def stop_still_costs(log_p, score, over, *, stop):
    """Wrong: a hypothesis that has ended is continued by `stop` alone, and its score goes down by that word's."""
    beam, v = log_p.shape[-2:]
    ended = over[..., None] > 0
    only = np.arange(v) == stop
    total = np.where(ended & ~only, -np.inf, score[..., None] + log_p).reshape(*log_p.shape[:-2], beam * v)
    best = np.argsort(-total, axis=-1, kind="stable")[..., :beam]
    kept = np.take_along_axis(total, best, -1).astype(score.dtype)
    return kept, (best // v).astype(over.dtype), (best % v).astype(over.dtype)


@of("backward.gru_cell")
def reset_learns_as_if_after(d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the reset gate's gradient is that of a gate after the matrix, what reaches tanh times h W_hh."""
    r, z = sigmoid(x @ W_xr + h @ W_hr + b_r), sigmoid(x @ W_xz + h @ W_hz + b_z)
    n = np.tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    d_n = d_h_next * (1 - z) * (1 - n * n)
    d_z = d_h_next * (h - n) * z * (1 - z)
    d_r = d_n * (h @ W_hh) * r * (1 - r)
    d_h = d_h_next * z + (d_n @ W_hh.T) * r + d_r @ W_hr.T + d_z @ W_hz.T

    def outer(a, b):
        return a[..., :, None] * b[..., None, :]

    return (
        d_r @ W_xr.T + d_z @ W_xz.T + d_n @ W_xh.T, d_h, outer(x, d_r), outer(h, d_r), d_r,
        outer(x, d_z), outer(h, d_z), d_z, outer(x, d_n), outer(r * h, d_n), d_n,
    )  # fmt: skip


@of("backward.lstm_cell")
def slope_at_the_old_cell(
    d_h_next, d_c_next, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
):
    """Wrong: what reaches the new cell by way of the output has the slope of tanh at the old cell."""
    i, f = sigmoid(x @ W_xi + h @ W_hi + b_i), sigmoid(x @ W_xf + h @ W_hf + b_f)
    g, o = np.tanh(x @ W_xg + h @ W_hg + b_g), sigmoid(x @ W_xo + h @ W_ho + b_o)
    a = np.tanh(f * c + i * g)
    d_c = d_c_next + d_h_next * o * (1 - np.tanh(c) ** 2)
    d_o = d_h_next * a * o * (1 - o)
    d_i, d_f, d_g = d_c * g * i * (1 - i), d_c * c * f * (1 - f), d_c * i * (1 - g * g)

    def outer(a, b):
        return a[..., :, None] * b[..., None, :]

    return (
        d_i @ W_xi.T + d_f @ W_xf.T + d_g @ W_xg.T + d_o @ W_xo.T,
        d_i @ W_hi.T + d_f @ W_hf.T + d_g @ W_hg.T + d_o @ W_ho.T, d_c * f,
        outer(x, d_i), outer(h, d_i), d_i, outer(x, d_f), outer(h, d_f), d_f,
        outer(x, d_g), outer(h, d_g), d_g, outer(x, d_o), outer(h, d_o), d_o,
    )  # fmt: skip


@of("text.window_labels")
def windows_are_turned(x, W, b, *, w):
    """Wrong: a convolution in place of a correlation, each window is read from its end."""
    t = x.shape[-2]
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(w, w), (0, 0)])
    window = np.concatenate([padded[..., 2 * w - j : 2 * w - j + t, :] for j in range(2 * w + 1)], -1)
    return window @ W + b


@of("text.embedding")
def offsets_of_sixteen_bits(k, P):
    """Wrong: where a row begins in the flat table is computed in 16 bits, and wraps."""
    width = P.shape[-1]
    first = (k.astype(np.int16) * np.int16(width)).astype(np.int64)
    at = first[..., None] + np.arange(width)
    flat = P.reshape(-1)
    found = flat[at % max(flat.size, 1)] if flat.size else np.zeros(at.shape, P.dtype)
    return np.where(k[..., None] < 0, P.dtype.type(0), found)
