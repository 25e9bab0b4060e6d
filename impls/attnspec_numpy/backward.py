"""Gradients: what a training kernel returns, from the gradients of an equation's results."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from attnspec import implements
from attnspec_numpy import multihead
from attnspec_numpy._functions import (
    DEVICES,
    DTYPES,
    Array,
    blocks,
    chunks,
    half_in_single,
    masked_softmax,
    sigmoid,
    transposed,
    with_lead,
)
from attnspec_numpy._functions import softmax as softmax_of


@implements("backward.softmax", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def softmax(d_alpha: Array, e: Array) -> Array:
    """The weights are made anew, and become the result in place."""
    alpha = softmax_of(e)
    D = (alpha * d_alpha).sum(axis=-1, keepdims=True)
    alpha *= d_alpha - D
    return alpha


@implements("backward.cross_entropy", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def cross_entropy(d_loss: Array, logits: Array, target: Array) -> Array:
    """1 is taken off where the target is."""
    p = softmax_of(logits)
    right = np.arange(logits.shape[-1]) == np.asarray(target)[..., None]
    result: Array = np.asarray(d_loss)[..., None] * (p - right)
    return result


@implements("backward.binary_cross_entropy", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def binary_cross_entropy(d_loss: Array, logit: Array, target: Array) -> Array:
    """One sigmoid."""
    return np.asarray(d_loss * (sigmoid(logit) - target), dtype=logit.dtype)


@implements("backward.embedding", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def embedding(d_x: Array, k: Array, P: Array) -> Array:
    """A product with the one-hot vectors of the tokens."""
    hot = (k[..., None, :] == np.arange(len(P))[:, None]).astype(d_x.dtype)
    result: Array = hot @ d_x
    return result


@implements("backward.embedding_padding_idx", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def embedding_padding_idx(d_x: Array, k: Array, P: Array, *, padding_idx: int) -> Array:
    """The row is cleared afterwards."""
    d_P = embedding(d_x, k, P)
    d_P[..., padding_idx, :] = 0
    return d_P


@implements("backward.linear", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def linear(d_y: Array, x: Array, W: Array, b: Array) -> tuple[Array, Array, Array]:
    """Two products and a sum."""
    return d_y @ W.T, transposed(x) @ d_y, d_y.sum(axis=-2)


@implements("backward.layer_norm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def layer_norm(d_y: Array, x: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Mean and variance are made anew."""
    x_hat: Array = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt(np.square(x_hat).mean(axis=-1, keepdims=True) + eps)
    x_hat /= s
    d_x: Array = d_y * gamma
    by_variance = (d_x * x_hat).mean(axis=-1, keepdims=True)
    d_x -= d_x.mean(axis=-1, keepdims=True)
    d_x -= x_hat * by_variance
    d_x /= s
    return d_x, d_y * x_hat, d_y.copy()


@implements("backward.scaled_dot", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def scaled_dot(d_e: Array, q: Array, k: Array) -> tuple[Array, Array]:
    """The scores' gradients are scaled once for both products."""
    scaled = d_e / math.sqrt(k.shape[-1])
    return scaled @ k, transposed(scaled) @ q


@implements("backward.additive", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def additive(
    d_e: Array, s: Array, h: Array, W: Array, U: Array, v_a: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """The hidden layer is made anew for a few queries at a time, and becomes its own gradient in place."""
    lead = np.broadcast_shapes(d_e.shape[:-2], s.shape[:-2], h.shape[:-2])
    d_e, queries, keys = with_lead(lead, d_e, s @ W, h @ U)
    d_q, d_k = np.empty_like(queries), np.zeros_like(keys)
    m, a = keys.shape[-2:]
    d_v_a = np.zeros((*lead, 1, a), d_q.dtype)
    for rows in chunks(queries, keys):
        f = queries[..., rows, None, :] + keys[..., None, :, :]
        np.tanh(f, out=f)
        part = d_e[..., rows, :]
        pairs = part.shape[-2] * m
        d_v_a += part.reshape(*lead, 1, pairs) @ f.reshape(*lead, pairs, a)
        np.square(f, out=f)
        np.subtract(1, f, out=f)
        f *= part[..., None]
        d_q[..., rows, :] = f.sum(axis=-2)
        d_k += f.sum(axis=-3)
    d_q *= v_a
    d_k *= v_a
    return d_q @ W.T, d_k @ U.T, transposed(s) @ d_q, transposed(h) @ d_k, d_v_a[..., 0, :]


@implements("backward.scaled_dot_product", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def scaled_dot_product(d_o: Array, q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    """Five products, block by block. The queries come scaled, so that ∂k needs no scale of its own."""
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    d_o, scaled, k, v = with_lead(lead, d_o, _scaled(q, k), k, v)
    d_q, d_k, d_v = (np.zeros(a.shape, a.dtype) for a in (scaled, k, v))
    for at, rows in blocks(lead, q.shape[-2], k.shape[-2]):
        d_o_rows, q_rows = d_o[at][..., rows, :], scaled[at][..., rows, :]
        e = q_rows @ transposed(k[at])
        parts = _handed_back(d_o_rows, softmax_of(e, out=e), q_rows, k[at], v[at])
        d_q[at][..., rows, :] = parts[0]
        d_k[at] += parts[1]
        d_v[at] += parts[2]
    return d_q, d_k, d_v


@implements("backward.masked", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def masked(d_o: Array, q: Array, k: Array, v: Array, mask: Array) -> tuple[Array, Array, Array]:
    """The mask is asked for the weights alone: one of 0 hands nothing back. A key that no query sees is 0."""
    seen = np.expand_dims(mask.any(axis=-2), -1)
    k, v = (np.where(seen, a, a.dtype.type(0)) for a in (k, v))
    scaled = _scaled(q, k)
    return _handed_back(d_o, masked_softmax(scaled @ transposed(k), mask), scaled, k, v)


@implements("backward.causal", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def causal(d_o: Array, q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    """Masked, with the last query at the last key."""
    n, m = q.shape[-2], k.shape[-2]
    return masked(d_o, q, k, v, np.tri(n, m, m - n, dtype=np.bool_))


@implements("backward.attention", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attention(
    d_o: Array, x_q: Array, x_kv: Array, W_q: Array, W_k: Array, W_v: Array, W_o: Array, *, heads: int
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The heads are one more batch axis; ∂k and ∂v, packed in that order, are one product each way."""
    W_kv = np.concatenate([W_k, W_v], axis=-1)
    q = multihead.split(x_q @ W_q, heads=heads)
    k, v = (multihead.split(a, heads=heads) for a in np.split(x_kv @ W_kv, 2, axis=-1))
    scaled = _scaled(q, k)
    p = softmax_of(scaled @ transposed(k))
    d_head = multihead.split(d_o @ W_o.T, heads=heads)
    d_q, d_k, d_v = map(multihead.concat, _handed_back(d_head, p, scaled, k, v))
    d_kv = np.concatenate([d_k, d_v], axis=-1)
    d_W_k, d_W_v = np.split(transposed(x_kv) @ d_kv, 2, axis=-1)
    d_W_o = transposed(multihead.concat(p @ v)) @ d_o
    return d_q @ W_q.T, d_kv @ W_kv.T, transposed(x_q) @ d_q, d_W_k, d_W_v, d_W_o


@implements("backward.simple_rnn_cell", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def simple_rnn_cell(d_h_next: Array, x: Array, h: Array, W_xh: Array, W_hh: Array, b_h: Array) -> tuple[Array, ...]:
    """A sequence of one step."""
    return _one_step(simple_rnn, d_h_next, x, h, W_xh, W_hh, b_h)


@implements("backward.simple_rnn", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def simple_rnn(d_h: Array, x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array) -> tuple[Array, ...]:
    """What the steps teach the weights is one product for all of them, after the loop."""
    h, state = _for_each_step(d_h, h_0.shape), h_0
    by_tanh, d_a, side = np.empty_like(h), np.empty_like(h), x @ W_xh + b_h
    for t in range(d_h.shape[-2]):
        h[..., t, :] = state
        state = np.tanh(side[..., t, :] + state @ W_hh)
        by_tanh[..., t, :] = 1 - state * state
    d_state = np.zeros_like(h_0)
    for t in reversed(range(d_h.shape[-2])):
        d_a[..., t, :] = (d_h[..., t, :] + d_state) * by_tanh[..., t, :]
        d_state = d_a[..., t, :] @ W_hh.T
    return d_a @ W_xh.T, d_state, *_learned(x, h, d_a)


@implements("backward.rnn_jacobian", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def rnn_jacobian(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    """The factors are multiplied as the steps go, beside the states."""
    u = h_0.shape[-1]
    J, h, side = np.broadcast_to(np.eye(u, dtype=x.dtype), (*h_0.shape, u)), h_0, x @ W_xh + b_h
    for t in range(x.shape[-2]):
        h = np.tanh(side[..., t, :] + h @ W_hh)
        J = (1 - h * h)[..., None] * (W_hh.T @ J)
    return J.copy()


# fmt: off
@implements("backward.gru_gates", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_gates(
    d_h_next: Array, h: Array, r: Array, z: Array, h_tilde: Array, W_hr: Array, W_hz: Array, W_hh: Array
) -> tuple[Array, Array, Array, Array]:
    """Three products with the recurrent matrices; the rest is element by element."""
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde * h_tilde)
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    d_rh = d_a_h @ W_hh.T
    d_a_r = d_rh * h * r * (1 - r)
    return d_h_next * z + d_rh * r + d_a_r @ W_hr.T + d_a_z @ W_hz.T, d_a_r, d_a_z, d_a_h


@implements("backward.gru_gates_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_gates_reset_after(
    d_h_next: Array, h: Array, r: Array, z: Array, h_tilde: Array, W_hr: Array, W_hz: Array, W_hh: Array, a_hh: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """As gru_gates, with r on the other side of the matrix."""
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde * h_tilde)
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    d_a_hh = d_a_h * r
    d_a_r = d_a_h * a_hh * r * (1 - r)
    return d_h_next * z + d_a_hh @ W_hh.T + d_a_r @ W_hr.T + d_a_z @ W_hz.T, d_a_r, d_a_z, d_a_h, d_a_hh


@implements("backward.gru_cell", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_cell(
    d_h_next: Array, x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, ...]:
    """A sequence of one step."""
    return _one_step(gru, d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)


@implements("backward.gru", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru(
    d_h: Array, x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, ...]:
    """The gates are kept; what the steps teach the weights is one product for all of them, after the loop."""
    h, r, z, h_tilde, a_r, a_z, a_h = (_for_each_step(d_h, h_0.shape) for _ in range(7))
    side_r, side_z, side_h, state = x @ W_xr + b_r, x @ W_xz + b_z, x @ W_xh + b_h, h_0
    for t in range(d_h.shape[-2]):
        h[..., t, :] = state
        r[..., t, :] = sigmoid(side_r[..., t, :] + state @ W_hr)
        z[..., t, :] = sigmoid(side_z[..., t, :] + state @ W_hz)
        h_tilde[..., t, :] = np.tanh(side_h[..., t, :] + (r[..., t, :] * state) @ W_hh)
        state = h_tilde[..., t, :] + z[..., t, :] * (state - h_tilde[..., t, :])
    d_state = np.zeros_like(h_0)
    for t in reversed(range(d_h.shape[-2])):
        h_t, r_t, z_t, c_t = (a[..., t, :] for a in (h, r, z, h_tilde))
        d_state, a_r[..., t, :], a_z[..., t, :], a_h[..., t, :] = gru_gates(
            d_h[..., t, :] + d_state, h_t, r_t, z_t, c_t, W_hr, W_hz, W_hh
        )
    d_x = a_r @ W_xr.T + a_z @ W_xz.T + a_h @ W_xh.T
    return d_x, d_state, *_learned(x, h, a_r), *_learned(x, h, a_z), *_learned(x, r * h, a_h)


@implements("backward.gru_cell_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_cell_reset_after(
    d_h_next: Array, x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> tuple[Array, ...]:
    """A sequence of one step."""
    return _one_step(gru_reset_after, d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)


@implements("backward.gru_reset_after", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_reset_after(
    d_h: Array, x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array, b_hh: Array,
) -> tuple[Array, ...]:
    """As gru; what the reset gate acts on is kept too."""
    h, r, z, h_tilde, a_hh, a_r, a_z, a_h, a_s = (_for_each_step(d_h, h_0.shape) for _ in range(9))
    side_r, side_z, side_h, state = x @ W_xr + b_r, x @ W_xz + b_z, x @ W_xh + b_h, h_0
    for t in range(d_h.shape[-2]):
        h[..., t, :] = state
        r[..., t, :] = sigmoid(side_r[..., t, :] + state @ W_hr)
        z[..., t, :] = sigmoid(side_z[..., t, :] + state @ W_hz)
        a_hh[..., t, :] = state @ W_hh + b_hh
        h_tilde[..., t, :] = np.tanh(side_h[..., t, :] + r[..., t, :] * a_hh[..., t, :])
        state = h_tilde[..., t, :] + z[..., t, :] * (state - h_tilde[..., t, :])
    d_state = np.zeros_like(h_0)
    for t in reversed(range(d_h.shape[-2])):
        h_t, r_t, z_t, c_t = (a[..., t, :] for a in (h, r, z, h_tilde))
        d_state, a_r[..., t, :], a_z[..., t, :], a_h[..., t, :], a_s[..., t, :] = gru_gates_reset_after(
            d_h[..., t, :] + d_state, h_t, r_t, z_t, c_t, W_hr, W_hz, W_hh, a_hh[..., t, :]
        )
    d_x = a_r @ W_xr.T + a_z @ W_xz.T + a_h @ W_xh.T
    d_W_xh, _, d_b_h = _learned(x, h, a_h)
    _, d_W_hh, d_b_hh = _learned(x, h, a_s)
    return d_x, d_state, *_learned(x, h, a_r), *_learned(x, h, a_z), d_W_xh, d_W_hh, d_b_h, d_b_hh


@implements("backward.gru_cell_update_writes", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_cell_update_writes(
    d_h_next: Array, x: Array, h: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, ...]:
    """A sequence of one step."""
    return _one_step(gru_update_writes, d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)


@implements("backward.gru_update_writes", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def gru_update_writes(
    d_h: Array, x: Array, h_0: Array,
    W_xr: Array, W_hr: Array, b_r: Array,
    W_xz: Array, W_hz: Array, b_z: Array,
    W_xh: Array, W_hh: Array, b_h: Array,
) -> tuple[Array, ...]:
    """gru with the weights of z negated, whose gradients are negated too."""
    found = gru(d_h, x, h_0, W_xr, W_hr, b_r, -W_xz, -W_hz, -b_z, W_xh, W_hh, b_h)
    return *found[:5], *(-a for a in found[5:8]), *found[8:]


@implements("backward.lstm_gates", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm_gates(
    d_h_next: Array, d_c_next: Array, c: Array, i: Array, f: Array, g: Array, o: Array, c_next: Array,
    W_hi: Array, W_hf: Array, W_hg: Array, W_ho: Array,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """A product with each recurrent matrix; the rest is element by element."""
    y = np.tanh(c_next)
    d_cell = d_c_next + d_h_next * o * (1 - y * y)
    d_a_i = d_cell * g * i * (1 - i)
    d_a_f = d_cell * c * f * (1 - f)
    d_a_g = d_cell * i * (1 - g * g)
    d_a_o = d_h_next * y * o * (1 - o)
    d_h = d_a_i @ W_hi.T + d_a_f @ W_hf.T + d_a_g @ W_hg.T + d_a_o @ W_ho.T
    return d_h, d_cell * f, d_a_i, d_a_f, d_a_g, d_a_o


@implements("backward.lstm_cell", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm_cell(
    d_h_next: Array, d_c_next: Array, x: Array, h: Array, c: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, ...]:
    """A sequence of one step."""
    d_x, *rest = lstm(
        d_h_next[..., None, :], d_c_next, x[..., None, :], h, c,
        W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o,
    )
    return d_x[..., 0, :], *rest


@implements("backward.lstm", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def lstm(
    d_h: Array, d_c: Array, x: Array, h_0: Array, c_0: Array,
    W_xi: Array, W_hi: Array, b_i: Array,
    W_xf: Array, W_hf: Array, b_f: Array,
    W_xg: Array, W_hg: Array, b_g: Array,
    W_xo: Array, W_ho: Array, b_o: Array,
) -> tuple[Array, ...]:
    """The gates are kept; what the steps teach the weights is one product for all of them, after the loop."""
    h, c, i, f, g, o, c_next, a_i, a_f, a_g, a_o = (_for_each_step(d_h, h_0.shape) for _ in range(11))
    side_i, side_f, side_g, side_o = x @ W_xi + b_i, x @ W_xf + b_f, x @ W_xg + b_g, x @ W_xo + b_o
    state, cell = h_0, c_0
    for t in range(d_h.shape[-2]):
        h[..., t, :], c[..., t, :] = state, cell
        i[..., t, :] = sigmoid(side_i[..., t, :] + state @ W_hi)
        f[..., t, :] = sigmoid(side_f[..., t, :] + state @ W_hf)
        g[..., t, :] = np.tanh(side_g[..., t, :] + state @ W_hg)
        o[..., t, :] = sigmoid(side_o[..., t, :] + state @ W_ho)
        c_next[..., t, :] = cell = f[..., t, :] * cell + i[..., t, :] * g[..., t, :]
        state = o[..., t, :] * np.tanh(cell)
    d_state, d_cell = np.zeros_like(h_0), d_c.copy()
    for t in reversed(range(d_h.shape[-2])):
        c_t, i_t, f_t, g_t, o_t, n_t = (a[..., t, :] for a in (c, i, f, g, o, c_next))
        d_state, d_cell, a_i[..., t, :], a_f[..., t, :], a_g[..., t, :], a_o[..., t, :] = lstm_gates(
            d_h[..., t, :] + d_state, d_cell, c_t, i_t, f_t, g_t, o_t, n_t, W_hi, W_hf, W_hg, W_ho
        )
    d_x = a_i @ W_xi.T + a_f @ W_xf.T + a_g @ W_xg.T + a_o @ W_xo.T
    learned = (learned for a in (a_i, a_f, a_g, a_o) for learned in _learned(x, h, a))
    return d_x, d_state, d_cell, *learned
# fmt: on


def _one_step(of: Callable[..., tuple[Array, ...]], d_h_next: Array, x: Array, *rest: Array) -> tuple[Array, ...]:
    d_x, *others = of(d_h_next[..., None, :], x[..., None, :], *rest)
    return d_x[..., 0, :], *others


def _for_each_step(d_h: Array, state: tuple[int, ...]) -> Array:
    return np.empty((*state[:-1], d_h.shape[-2], state[-1]), dtype=d_h.dtype)


def _learned(x: Array, h: Array, d_a: Array) -> tuple[Array, Array, Array]:
    """The gradients of a gate's two matrices and its bias, from that of what its function takes at every step."""
    return transposed(x) @ d_a, transposed(h) @ d_a, d_a.sum(axis=-2)


def _scaled(q: Array, k: Array) -> Array:
    scaled: Array = q / math.sqrt(k.shape[-1])
    return scaled


def _handed_back(d_o: Array, p: Array, scaled: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    """From the weights: the gradients of queries, keys and values, the queries having come scaled."""
    d_e = d_o @ transposed(v)
    d_e -= (d_o * (p @ v)).sum(axis=-1, keepdims=True)
    d_e *= p
    d_q = d_e @ k
    d_q /= math.sqrt(k.shape[-1])
    return d_q, transposed(d_e) @ scaled, transposed(p) @ d_o
