"""Equations of which no other candidate here is: decoders that attend, beams, gradients, counts."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

from attnspec import implements

one = partial(implements, framework="numpy", batch=(0,))
one_torch = partial(implements, framework="torch", batch=(0,))
one_jax = partial(implements, framework="jax", batch=(0,))
imp = partial(implements, framework="torch")


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


# Attention within recurrent decoders.


@imp("attention.into_next_layer")
def joined(s, a):
    """Right: one tensor is allocated, and both are copied into it."""
    out = s.new_empty((*s.shape[:-1], s.shape[-1] + a.shape[-1]))
    out[..., : s.shape[-1]] = s
    out[..., s.shape[-1] :] = a
    return out


@imp("attention.into_next_layer")
def context_first(s, a):
    """Wrong: what was attended stands before the state."""
    return torch.cat([a, s], -1)


@imp("attention_rnn.attentive_step_values")
def values_read(x, s, c, h, A, b, W_q, W_k, W_v):
    """Right: the query goes through both matrices, and the values are made of what was read, (α h) W_v."""
    s = torch.tanh(torch.cat([x, s, c], -1) @ A + b)
    asked = (s @ W_q) @ W_k.mT
    alpha = torch.softmax((h @ asked.unsqueeze(-1)).squeeze(-1), -1)
    return s, (alpha.unsqueeze(-2) @ h).squeeze(-2) @ W_v


@imp("attention_rnn.attentive_step_values")
def asks_before_step(x, s, c, h, A, b, W_q, W_k, W_v):
    """Wrong: the state before the step asks."""
    asked = (s @ W_q) @ W_k.mT
    alpha = torch.softmax((h @ asked.unsqueeze(-1)).squeeze(-1), -1)
    return torch.tanh(torch.cat([x, s, c], -1) @ A + b), (alpha.unsqueeze(-2) @ (h @ W_v)).squeeze(-2)


def values_loop(x, h, A, b, W_q, W_k, W_v, c_of):
    keys, values = h @ W_k, h @ W_v

    def read(s):
        return torch.softmax(keys @ (s @ W_q), -1) @ values

    s = h[-1]
    c = c_of(read(s))
    from_x = x @ A[: x.shape[-1]] + b
    rest = A[x.shape[-1] :]
    states, contexts = x.new_zeros((len(x), len(s))), x.new_zeros((len(x), values.shape[-1]))
    for i in range(len(x)):
        s = torch.tanh(from_x[i] + torch.cat([s, c]) @ rest)
        c = read(s)
        states[i], contexts[i] = s, c
    return states, contexts


@one_torch("attention_rnn.attentive_decode_values")
def inputs_beforehand(x, h, A, b, W_q, W_k, W_v):
    """Right: keys, values and the inputs' part of the sum are made before the loop; rows are written in place."""
    return values_loop(x, h, A, b, W_q, W_k, W_v, lambda c: c)


@one_torch("attention_rnn.attentive_decode_values")
def nothing_read_at_first(x, h, A, b, W_q, W_k, W_v):
    """Wrong: the first step gets a context of zeros."""
    return values_loop(x, h, A, b, W_q, W_k, W_v, torch.zeros_like)


@one("attention_rnn.self_attentive")
def list_of_states(x, A, b, W_q, W_k):
    """Right: states are kept in a list, and the newest asks all of them."""
    h, c = [], np.zeros_like(b)
    contexts = []
    for row in x:
        h.append(np.tanh(np.concatenate([row, c]) @ A + b))
        known = np.stack(h)
        c = softmax(known @ (W_k @ (W_q.T @ h[-1]))) @ known
        contexts.append(c)
    empty = np.zeros((0, len(b)), x.dtype)
    return (np.stack(h), np.stack(contexts)) if h else (empty, empty.copy())


@one("attention_rnn.self_attentive")
def state_beside_context(x, A, b, W_q, W_k):
    """Wrong: the mean of the state and its context goes on, as with a residual connection that is averaged."""
    h, c, contexts = np.zeros((len(x), len(b)), x.dtype), np.zeros_like(b), np.zeros((len(x), len(b)), x.dtype)
    for t, row in enumerate(x):
        before = (h[t - 1] + c) / 2 if t else c
        h[t] = np.tanh(np.concatenate([row, before]) @ A + b)
        c = softmax(h[: t + 1] @ W_k @ (W_q.T @ h[t])) @ h[: t + 1]
        contexts[t] = c
    return h, contexts


def feed(y, s_0, h, W_xh, W_hh, b_h, W_q, W_k, c_0):
    keys = h @ W_k

    def step(carry, row):
        s, c = carry
        s = jnp.tanh(jnp.concatenate([row, c]) @ W_xh + s @ W_hh + b_h)
        c = jax.nn.softmax(keys @ (s @ W_q)) @ h
        return (s, c), (s, c)

    return jax.lax.scan(step, (s_0, c_0), y)[1]


@one_jax("attention_rnn.input_feeding_decode")
def fed_by_scan(y, s_0, h, W_xh, W_hh, b_h, W_q, W_k):
    """Right: a scan that carries state and context, and returns both at every step."""
    return feed(y, s_0, h, W_xh, W_hh, b_h, W_q, W_k, jnp.zeros(h.shape[-1], h.dtype))


@one_jax("attention_rnn.input_feeding_decode")
def first_context_of_mean(y, s_0, h, W_xh, W_hh, b_h, W_q, W_k):
    """Wrong: the first step is fed with the mean of the encoder's states, not with zeros."""
    return feed(y, s_0, h, W_xh, W_hh, b_h, W_q, W_k, h.mean(0) if len(h) else jnp.zeros(h.shape[-1], h.dtype))


@one_torch("attention_rnn.next_layer_decode")
def layer_after_layer(y, s_1_0, s_2_0, h, W_xh_1, W_hh_1, b_h_1, W_q, W_k, W_xh_2, W_hh_2, b_h_2):
    """Right: the whole lower layer, then one attention for all steps, then the upper layer."""
    lower, s = [], s_1_0
    for row in y @ W_xh_1 + b_h_1:
        s = torch.tanh(row + s @ W_hh_1)
        lower.append(s)
    s_1 = torch.stack(lower) if lower else y.new_zeros((0, len(s_1_0)))
    a = torch.softmax((s_1 @ W_q) @ (h @ W_k).mT, -1) @ h
    upper, s = [], s_2_0
    for row in torch.cat([s_1, a], -1) @ W_xh_2 + b_h_2:
        s = torch.tanh(row + s @ W_hh_2)
        upper.append(s)
    return s_1, torch.stack(upper) if upper else y.new_zeros((0, len(s_2_0)))


@one_torch("attention_rnn.next_layer_decode")
def upper_of_context_before(y, s_1_0, s_2_0, h, W_xh_1, W_hh_1, b_h_1, W_q, W_k, W_xh_2, W_hh_2, b_h_2):
    """Wrong: the upper layer reads what the lower one attended to at the step before, and zeros at the first."""
    s_1, s_2, a = s_1_0, s_2_0, h.new_zeros(h.shape[-1])
    one_, two = y.new_zeros((len(y), len(s_1))), y.new_zeros((len(y), len(s_2)))
    for i in range(len(y)):
        s_1 = torch.tanh(y[i] @ W_xh_1 + s_1 @ W_hh_1 + b_h_1)
        s_2 = torch.tanh(torch.cat([s_1, a]) @ W_xh_2 + s_2 @ W_hh_2 + b_h_2)
        a = torch.softmax(h @ W_k @ (s_1 @ W_q), -1) @ h
        one_[i], two[i] = s_1, s_2
    return one_, two


# Words that are chosen.


def readout(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o):
    s = np.tanh(E[token] @ W_xh + s @ W_hh + b_h)
    c = softmax(h @ W_k @ (s @ W_q)) @ h if len(h) else np.zeros(h.shape[-1], h.dtype)
    return s, np.concatenate([s, c]) @ W_o + b_o


@one("attention_rnn.readout_greedy_step")
def word_by_argmax(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o):
    """Right: numpy.argmax takes the first of the largest."""
    s, y = readout(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return s, np.int64(np.argmax(y))


@one("attention_rnn.readout_greedy_step")
def word_by_sorting(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o):
    """Wrong: the last of a stable sort, so that of equal words the last is taken."""
    s, y = readout(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return s, np.int64(np.argsort(y, kind="stable")[-1])


@one("attention_rnn.readout_sample_step")
def word_by_searching(token, uniform, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, *, tau):
    """Right: a binary search in the cumulated distribution, and no further than the last word."""
    s, y = readout(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    c = np.cumsum(softmax(y / y.dtype.type(tau)))
    return s, np.int64(min(np.searchsorted(c, uniform, side="right"), len(y) - 1))


@one("attention_rnn.readout_sample_step")
def scores_times_temperature(token, uniform, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, *, tau):
    """Wrong: scores are multiplied by the temperature."""
    s, y = readout(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    c = np.cumsum(softmax(y * y.dtype.type(tau)))
    return s, np.int64(min(np.searchsorted(c, uniform, side="right"), len(y) - 1))


def lstm_of_four(token, s, c, E, gates, W_hy, b_y, order):
    W, U, b = (torch.cat(part, -1) for part in gates)
    parts = dict(zip(order, (E[token] @ W + s @ U + b).chunk(4, -1), strict=True))
    c = torch.sigmoid(parts["f"]) * c + torch.sigmoid(parts["i"]) * torch.tanh(parts["g"])
    s = torch.sigmoid(parts["o"]) * torch.tanh(c)
    return s, c, s @ W_hy + b_y


@one_torch("seq2seq.greedy_step_lstm")
def four_gates_at_once(
    token, s, c, E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y
):  # fmt: skip
    """Right: one product for all gates, cut into four."""
    gates = ((W_xi, W_xf, W_xg, W_xo), (W_hi, W_hf, W_hg, W_ho), (b_i, b_f, b_g, b_o))
    s, c, e = lstm_of_four(token, s, c, E, gates, W_hy, b_y, "ifgo")
    return s, c, e.argmax(-1)


@one_torch("seq2seq.greedy_step_lstm")
def cut_in_other_order(
    token, s, c, E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y
):  # fmt: skip
    """Wrong: the product is cut as i, f, o, g, so that output and candidate are exchanged."""
    gates = ((W_xi, W_xf, W_xg, W_xo), (W_hi, W_hf, W_hg, W_ho), (b_i, b_f, b_g, b_o))
    s, c, e = lstm_of_four(token, s, c, E, gates, W_hy, b_y, "ifog")
    return s, c, e.argmax(-1)


@imp("seq2seq.decoder_start_copy")
def first_state_copied(h):
    """Wrong: the encoder's first state is taken."""
    return h[..., 0, :].clone()


# Gradients.


@imp("backward.additive")
def additive_by_einsum(d_e, s, h, W, U, v_a):
    """Right: every sum by einsum, over a hidden layer of all pairs."""
    f = torch.tanh((s @ W)[..., :, None, :] + (h @ U)[..., None, :, :])
    g = d_e[..., None] * v_a * (1 - f.square())
    s_, h_ = torch.einsum("...nma->...na", g), torch.einsum("...nma->...ma", g)
    return s_ @ W.mT, h_ @ U.mT, s.mT @ s_, h.mT @ h_, torch.einsum("...nm,...nma->...a", d_e, f)


@imp("backward.additive")
def slope_not_squared(d_e, s, h, W, U, v_a):
    """Wrong: the slope of tanh is taken for 1 less its value, not its square."""
    f = torch.tanh((s @ W)[..., :, None, :] + (h @ U)[..., None, :, :])
    g = d_e[..., None] * v_a * (1 - f)
    s_, h_ = g.sum(-2), g.sum(-3)
    return s_ @ W.mT, h_ @ U.mT, s.mT @ s_, h.mT @ h_, (d_e[..., None] * f).sum((-2, -3))


def heads_backward(d_o, x_q, x_kv, W_q, W_k, W_v, W_o, heads, key_scale):
    def cut(y):
        return y.unflatten(-1, (heads, -1)).transpose(-2, -3)

    def join(y):
        return y.transpose(-2, -3).flatten(-2)

    q, k, v, g = cut(x_q @ W_q), cut(x_kv @ W_k), cut(x_kv @ W_v), cut(d_o @ W_o.mT)
    scale = q.shape[-1] ** -0.5
    p = torch.softmax(scale * q @ k.mT, -1)
    d_p = g @ v.mT
    d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True))
    d_q, d_k, d_v = join(d_e @ k * scale), join(d_e.mT @ q * (scale if key_scale else 1)), join(p.mT @ g)
    d_kv = d_k @ W_k.mT + d_v @ W_v.mT
    return d_q @ W_q.mT, d_kv, x_q.mT @ d_q, x_kv.mT @ d_k, x_kv.mT @ d_v, join(p @ v).mT @ d_o


@one_torch("backward.attention", smallest={"n": 1, "m": 1, "d": 1, "c": 1})
def heads_by_hand(d_o, x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: weights are kept, and what softmax takes off is the sum of their products."""
    return heads_backward(d_o, x_q, x_kv, W_q, W_k, W_v, W_o, int(heads), True)


@one_torch("backward.attention", smallest={"n": 1, "m": 1, "d": 1, "c": 1})
def keys_not_scaled(d_o, x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: the scale is left out in the gradient of the keys."""
    return heads_backward(d_o, x_q, x_kv, W_q, W_k, W_v, W_o, int(heads), False)


@one("backward.gru_gates_reset_after")
def gates_of_products(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh, a_hh):
    """Right: the three gradients are joined, and so are the matrices."""
    n = d_h_next * (1 - z) * (1 - h_tilde * h_tilde)
    by_r = n * a_hh * (r * (1 - r))
    by_z = d_h_next * (h - h_tilde) * (z * (1 - z))
    joint = np.concatenate([by_r, by_z, n * r])
    return d_h_next * z + np.concatenate([W_hr, W_hz, W_hh], 1) @ joint, by_r, by_z, n, n * r


@one("backward.gru_gates_reset_after")
def reset_reads_state(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh, a_hh):
    """Wrong: the reset gate's gradient is that of a gate before the matrix, of (W ∂) h."""
    n = d_h_next * (1 - z) * (1 - h_tilde * h_tilde)
    by_r = (W_hh @ n) * h * r * (1 - r)
    by_z = d_h_next * (h - h_tilde) * z * (1 - z)
    return d_h_next * z + W_hh @ (n * r) + W_hr @ by_r + W_hz @ by_z, by_r, by_z, n, n * r


def writes(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    r = jax.nn.sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = jax.nn.sigmoid(x @ W_xz + h @ W_hz + b_z)
    return h + z * (jnp.tanh(x @ W_xh + (r * h) @ W_hh + b_h) - h)


@one_jax("backward.gru_cell_update_writes")
def writes_by_vjp(d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: jax.vjp of a step whose state moves towards the candidate, h + z (h̃ − h)."""
    return jax.vjp(writes, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)[1](d_h_next)


@one_jax("backward.gru_cell_update_writes")
def reset_is_constant(d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the gradient does not pass through the reset gate, which stop_gradient holds."""

    def step(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
        r = jax.lax.stop_gradient(jax.nn.sigmoid(x @ W_xr + h @ W_hr + b_r))
        z = jax.nn.sigmoid(x @ W_xz + h @ W_hz + b_z)
        return (1 - z) * h + z * jnp.tanh(x @ W_xh + (r * h) @ W_hh + b_h)

    return jax.vjp(step, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)[1](d_h_next)


# Counts.


@one("cost.encoder_layer_parameters")
def layer_of_shapes(*, c, d, f, heads):
    """Right: the sizes of all arrays of a layer, in a loop."""
    shapes = [*3 * [(c, heads * d)], (heads * d, c), (c, f), (f,), (f, c), (c,), *4 * [(c,)]]
    return np.int64(sum(math.prod(shape) for shape in shapes))


@one("cost.encoder_layer_operations")
def operations_of_one_head(*, t, c, d, f, heads):
    """Wrong: attention among the rows is counted for one head, projections for all."""
    return np.int64(8 * t * c * heads * d + 4 * t * t * d + 4 * t * c * f)


@one("cost.self_attention_operations")
def values_as_wide_as_keys(*, t, c, d, e):
    """Wrong: values are taken to be as wide as keys."""
    return np.int64(6 * t * c * d + 4 * t * t * d)


# Beams and windows.


@one("generation.readout_beam_step")
def beam_sorted(tokens, length, score, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, *, start, stop):
    """Right: all continuations in one row, sorted stably; states are gathered by parent."""
    return beam_of(tokens, length, score, s, h, E, (W_xh, W_hh, b_h, W_q, W_k, W_o, b_o), start, stop, True)


@one("generation.readout_beam_step")
def ended_at_every_word(tokens, length, score, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, *, start, stop):
    """Wrong: a hypothesis that has ended goes on with any word, at the score that it has."""
    return beam_of(tokens, length, score, s, h, E, (W_xh, W_hh, b_h, W_q, W_k, W_o, b_o), start, stop, False)


def beam_of(tokens, length, score, s, h, E, weights, start, stop, stops):
    beam, n = len(score), int(length)
    total, states = np.empty((beam, len(E)), score.dtype), np.empty_like(s)
    for r in range(beam):
        token = tokens[r, n - 1] if n else start
        states[r], e = readout(token, s[r], h, E, *weights)
        shifted = e - e.max()
        total[r] = score[r] + (shifted - np.log(np.exp(shifted).sum()))
        if n and token == stop:
            total[r] = -np.inf if stops else score[r]
            total[r, int(stop)] = score[r]
    best = np.argsort(-total.ravel(), kind="stable")[:beam]
    parent, word = np.divmod(best, len(E))
    out = tokens[parent]
    if n < out.shape[1]:
        out[:, n] = word
    return out, total.ravel()[best], states[parent]


def next_word(window, uniform, W, U, b, W_hy, b_y, tau):
    u = W_hy.shape[0]
    h = c = W_hy.new_zeros(u)
    for x in F.one_hot(window.long(), W.shape[0]).to(W.dtype):
        i, f, g, o = (x @ W + h @ U + b).split(u)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    p = torch.softmax((h @ W_hy + b_y) / tau, -1).cumsum(-1)
    return (p[:-1] <= uniform).sum()


@one_torch("seq2seq.generate_window_step", smallest={"w": 1, "v": 1})
def rolled(
    window, uniform, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, *, tau
):  # fmt: skip
    """Right: the window is rolled by one, and its last place is written."""
    W, U = torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    word = next_word(window, uniform, W, U, torch.cat([b_i, b_f, b_g, b_o]), W_hy, b_y, tau)
    out = torch.roll(window, -1)
    out[-1] = word
    return out


@one_torch("seq2seq.generate_window_step", smallest={"w": 1, "v": 1})
def rolled_forwards(
    window, uniform, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, *, tau
):  # fmt: skip
    """Wrong: the last token is written over, and the first one stays."""
    W, U = torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    word = next_word(window, uniform, W, U, torch.cat([b_i, b_f, b_g, b_o]), W_hy, b_y, tau)
    out = window.clone()
    out[-1] = word
    return out
