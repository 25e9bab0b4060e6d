"""Wrong, in JAX, as engineers got them wrong: indices out of bounds, gradients that are stopped, rolled windows."""

from functools import partial

import jax
import jax.numpy as jnp

from attnspec import implements

of = partial(implements, framework="jax")


@of("transformer.embed_scaled")
def places_beyond_the_table(k, P):
    """Wrong: the waves are a table of 128 places, and an index beyond it reads the last row, as JAX has it."""
    t, c = k.shape[-1], P.shape[-1]
    pos, j = jnp.arange(128)[:, None], jnp.arange(c)[None]
    angle = pos / 10000.0 ** (2 * (j // 2) / c)
    table = jnp.where(j % 2 == 0, jnp.sin(angle), jnp.cos(angle)).astype(P.dtype)
    return P[k] * jnp.asarray(c**0.5, P.dtype) + table[jnp.arange(t)]


@of("backward.embedding")
def missing_tokens_teach_the_last_row(d_x, k, P):
    """Wrong: the missing token, −1, counts from the end in JAX, so that its gradient is the last row's."""
    return jnp.zeros_like(P).at[k.reshape(-1)].add(d_x.reshape(-1, d_x.shape[-1]))


@of("text.window_labels")
def windows_go_round(x, W, b, *, w):
    """Wrong: windows are rolled, so that the first vector has the last one before it."""
    parts = [jnp.roll(x, w - j, axis=-2) for j in range(2 * w + 1)]
    return jnp.concatenate(parts, -1) @ W + b


@of("backward.gru_cell")
def reset_gate_is_a_constant(d_h_next, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: no gradient goes through the reset gate, which is stopped there."""

    def step(x, h, *weights):
        W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h = weights
        r = jax.lax.stop_gradient(jax.nn.sigmoid(x @ W_xr + h @ W_hr + b_r))
        z = jax.nn.sigmoid(x @ W_xz + h @ W_hz + b_z)
        return z * h + (1 - z) * jnp.tanh(x @ W_xh + (r * h) @ W_hh + b_h)

    return jax.vjp(step, x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)[1](d_h_next)


@of("multihead.relu")
def heads_are_the_fast_axis(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: columns are cut as (feature, head) on the way in, and joined as (head, feature)."""

    def cut(a):
        return a.reshape(*a.shape[:-1], a.shape[-1] // heads, heads)

    q, k, v = cut(x_q @ W_q), cut(x_kv @ W_k), cut(x_kv @ W_v)
    e = jax.nn.relu(jnp.einsum("...ndh,...mdh->...hnm", q, k) / jnp.sqrt(jnp.asarray(max(q.shape[-2], 1), q.dtype)))
    read = jnp.einsum("...hnm,...mdh->...nhd", e, v)
    return read.reshape(*x_q.shape[:-1], -1) @ W_o


@of("attention_rnn.self_attentive_context")
def reads_only_what_came_before(h, W_q, W_k):
    """Wrong: a state does not read itself, but for the first, which has no other."""
    t = h.shape[-2]
    e = jnp.einsum("...ta,...ja->...tj", h @ W_q, h @ W_k)
    seen = jnp.tril(jnp.ones((t, t), bool), -1).at[:1, :1].set(True)
    return jax.nn.softmax(jnp.where(seen, e, -jnp.inf), -1) @ h


@of("recurrent.lstm")
def forget_gate_of_whole_vectors(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: of more than 8 units those behind the last whole vector of 8 have no forget gate, but 1."""
    u = h_0.shape[-1]
    W_x, W_h = jnp.concatenate([W_xi, W_xf, W_xg, W_xo], 1), jnp.concatenate([W_hi, W_hf, W_hg, W_ho], 1)
    b = jnp.concatenate([b_i, b_f, b_g, b_o])
    gated = jnp.arange(u) < (u - u % 8 if u > 8 else u)

    def step(carry, row):
        h, c = carry
        a = row @ W_x + h @ W_h + b
        i, f, g, o = (a[..., n * u : n * u + u] for n in range(4))
        f = jnp.where(gated, jax.nn.sigmoid(f), 1)
        c = f * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    (_, c), hs = jax.lax.scan(step, (h_0, c_0), jnp.moveaxis(x, -2, 0))
    return jnp.moveaxis(hs, 0, -2), c


@of("attention.merge")
def share_of_a_difference(o_1, lse_1, o_2, lse_2):
    """Wrong: the share is σ(lse₁ − lse₂) and the sum's logarithm is the larger one."""
    gap = jnp.clip(lse_1 - lse_2, -60, 60)
    w = jnp.where(jnp.isneginf(lse_1), 0, jnp.where(jnp.isneginf(lse_2), 1, jax.nn.sigmoid(gap)))[..., None]
    both = jnp.isneginf(lse_1) & jnp.isneginf(lse_2)
    o = jnp.where(both[..., None], 0, w * o_1 + (1 - w) * o_2)
    return o, jnp.maximum(lse_1, lse_2)


@of("seq2seq.teacher_forced_lstm")
def begins_with_a_vector_of_zeros(
    target, s_0, c_0, E, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, *, start
):
    """Wrong: the rows of the true tokens are moved on by one, with zeros in front, where that of the start belongs."""
    x = E[target]
    x = jnp.concatenate([jnp.zeros_like(x[..., :1, :]), x[..., :-1, :]], -2)[..., : target.shape[-1], :]

    def step(carry, row):
        s, c = carry
        i = jax.nn.sigmoid(row @ W_xi + s @ W_hi + b_i)
        f = jax.nn.sigmoid(row @ W_xf + s @ W_hf + b_f)
        g = jnp.tanh(row @ W_xg + s @ W_hg + b_g)
        o = jax.nn.sigmoid(row @ W_xo + s @ W_ho + b_o)
        c = f * c + i * g
        s = o * jnp.tanh(c)
        return (s, c), (jax.nn.softmax(s @ W_hy + b_y, -1), s)

    _, (p, s) = jax.lax.scan(step, (s_0, c_0), jnp.moveaxis(x, -2, 0))
    return jnp.moveaxis(p, 0, -2), jnp.moveaxis(s, 0, -2)
