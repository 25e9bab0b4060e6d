"""Customs that are right elsewhere and wrong for these formulas, in NumPy: padding, positions, tables, other steps."""

from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy")

EXPONENT, SIZE = 6.0, 1000
TABLE = (1 / (1 + np.exp(-(np.arange(SIZE) / SIZE * 2 - 1) * EXPONENT))).astype(np.float32)


@of("text.window_labels")
def edges_wrap(x, W, b, *, w):
    """Wrong: beyond the ends the window goes on at the other end, as of a ring, where zeros belong."""
    t, d = x.shape[-2:]
    if not t:
        return np.zeros((*x.shape[:-1], W.shape[1]), x.dtype) + b
    rows = (np.arange(t)[:, None] + np.arange(-w, w + 1)) % t
    return x[..., rows, :].reshape(*x.shape[:-1], (2 * w + 1) * d) @ W + b


@of("position.sinusoidal")
def positions_by_linspace(*, t, d):
    """Wrong: the positions are np.linspace(0, t, t), which ends with t and not before it."""
    angle = np.linspace(0, t, t)[:, None] / 10000 ** (np.arange(d) // 2 * 2 / d)
    return np.where(np.arange(d) % 2, np.cos(angle), np.sin(angle)).astype(np.float32)


@of("optimizer.adam")
def second_moment_of_adamax(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: the second moment is the largest decayed absolute gradient, as in AdaMax, without a root or correction."""
    f = theta.dtype.type
    m = f(beta_1) * m + f(1 - beta_1) * g
    v = np.maximum(f(beta_2) * v, np.abs(g))
    return theta - f(lr / (1 - beta_1**step)) * m / (v + f(eps)), m, v


def looked_up(a):
    place = np.clip((a / EXPONENT + 1) * (SIZE / 2), 0, SIZE - 1).astype(np.int64)
    return np.where(a >= EXPONENT, 1, np.where(a <= -EXPONENT, 0, TABLE[place])).astype(a.dtype)


@of("recurrent.gru_cell")
def gates_from_a_table(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the gates' sigmoid is read from a table of 1,000 values from -6 to 6, and is 0 and 1 beyond."""
    r = looked_up(x @ W_xr + h @ W_hr + b_r)
    z = looked_up(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * np.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@of("recurrent.simple_rnn")
def inputs_shifted_by_half(x, h_0, W_xh, W_hh, b_h):
    """Wrong: each step reads the mean of its input and the one before it, of which the first has none, so 0."""
    before = np.concatenate([np.zeros_like(x[..., :1, :]), x[..., :-1, :]], -2)[..., : x.shape[-2], :]
    h, out = h_0, []
    for t in range(x.shape[-2]):
        h = np.tanh((x[..., t, :] + before[..., t, :]) / 2 @ W_xh + h @ W_hh + b_h)
        out.append(h)
    return np.stack(out, -2) if out else np.zeros((*x.shape[:-1], b_h.shape[0]), x.dtype)


@of("transformer.embed_scaled")
def places_squeezed_beyond_512(k, P):
    """Wrong: of texts longer than 512 the places are squeezed into 0 to 512, as in position interpolation."""
    t, c = k.shape[-1], P.shape[-1]
    places = np.arange(t) * min(1, 512 / max(t, 1))
    angle = places[:, None] / 10000 ** (np.arange(c) // 2 * 2 / c)
    e = np.where(np.arange(c) % 2, np.cos(angle), np.sin(angle)).astype(P.dtype)
    return P[k] * P.dtype.type(np.sqrt(c)) + e


@of("optimizer.adam")
def first_steps_without_root(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: while few squares have been averaged the step is lr times the mean alone, as RAdam begins."""
    f = theta.dtype.type
    m = f(beta_1) * m + f(1 - beta_1) * g
    v = f(beta_2) * v + f(1 - beta_2) * g * g
    longest = 2 / (1 - beta_2) - 1
    length = longest - 2 * step * beta_2**step / (1 - beta_2**step)
    mean = m / f(1 - beta_1**step)
    if length <= 4:
        return theta - f(lr) * mean, m, v
    return theta - f(lr) * mean / (np.sqrt(v / f(1 - beta_2**step)) + f(eps)), m, v
