"""Right, in JAX, in styles of their own: vmap, scan, associative sums, custom gradients, jit."""

from functools import partial

import jax
import jax.numpy as jnp

from attnspec import implements

of = partial(implements, framework="jax")


def _last_axes(f, ranks):
    """f for one example, over any leading axes of the arguments whose rank is above its own."""

    def call(*arguments):
        extra = max(a.ndim - r for a, r in zip(arguments, ranks, strict=True))
        if extra <= 0:
            return f(*arguments)
        axes = tuple(0 if a.ndim > r else None for a, r in zip(arguments, ranks, strict=True))
        return jax.vmap(call, axes)(*arguments)

    return call


@of("attention.scaled_dot_product")
def a_scan_of_one_key_each(q, k, v):
    """Right: a scan takes one key at a time, with the running largest score."""

    def one(q, k, v):
        def step(carry, kv):
            top, total, o = carry
            e = q @ kv[0] / jnp.sqrt(jnp.asarray(max(q.shape[-1], 1), jnp.float32))
            new = jnp.maximum(top, e)
            old, p = jnp.exp(top - new), jnp.exp(e - new)
            return (new, total * old + p, o * old[:, None] + p[:, None] * kv[1]), None

        n = q.shape[0]
        first = jnp.full(n, -jnp.inf), jnp.zeros(n), jnp.zeros((n, v.shape[-1]))
        (_, total, o), _ = jax.lax.scan(step, first, (k.astype(jnp.float32), v.astype(jnp.float32)))
        return (o / total[:, None]).astype(v.dtype)

    return _last_axes(one, (2, 2, 2))(q, k, v)


@of("recurrent.gru")
@jax.jit
def scanned_with_packed_gates(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: jit, one product for the input's side before the scan, unrolled by 4."""
    W_x, b = jnp.concatenate([W_xr, W_xz, W_xh], 1), jnp.concatenate([b_r, b_z, b_h])
    W_h = jnp.concatenate([W_hr, W_hz], 1)
    u = h_0.shape[-1]

    def step(h, a):
        rz = jax.nn.sigmoid(a[..., : 2 * u] + h @ W_h)
        r, z = rz[..., :u], rz[..., u:]
        h = h + (1 - z) * (jnp.tanh(a[..., 2 * u :] + (r * h) @ W_hh) - h)
        return h, h

    _, hs = jax.lax.scan(step, h_0, jnp.moveaxis(x @ W_x + b, -2, 0), unroll=4)
    return jnp.moveaxis(hs, 0, -2)


@jax.custom_vjp
def _log_softmax(x):
    return x - jax.nn.logsumexp(x, -1, keepdims=True)


_log_softmax.defvjp(lambda x: (_log_softmax(x),) * 2, lambda y, d: (d - jnp.exp(y) * d.sum(-1, keepdims=True),))


@of("seq2seq.cross_entropy")
def own_gradient_of_logarithms(logits, target):
    """Right: log-softmax has its own gradient, made of its result."""
    return -jnp.take_along_axis(_log_softmax(logits), target[..., None], -1)[..., 0]


@of("text.window_labels")
def one_product_for_each_offset(x, W, b, *, w):
    """Right: a product for each offset, with rows of zeros around."""
    t, d = x.shape[-2:]
    wide = jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(w, w), (0, 0)])
    parts = W.reshape(2 * w + 1, d, -1) if W.size else jnp.zeros((2 * w + 1, d, W.shape[-1]), W.dtype)
    return sum(
        (wide[..., j : j + t, :] @ parts[j] for j in range(2 * w + 1)),
        jnp.broadcast_to(b, (*x.shape[:-1], b.shape[-1])),
    )


@of("attention_rnn.self_attentive_context")
def masked_by_a_running_sum(h, W_q, W_k):
    """Right: for one example, each state's read is a row of a triangle; einsum under vmap."""

    def one(h, W_q, W_k):
        e = jnp.einsum("ta,ja->tj", h @ W_q, h @ W_k)
        i = jnp.arange(h.shape[0])
        return jax.nn.softmax(e, -1, where=i[:, None] >= i) @ h

    return _last_axes(one, (2, 2, 2))(h, W_q, W_k)


@of("optimizer.adam_l2")
def by_a_tree_of_moments(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: as a library of transformations chains them: decay, moments, their correction, the rate."""
    g = g + decay * theta
    m = jax.tree.map(lambda old, new: (1 - beta_1) * new + beta_1 * old, m, g)
    v = jax.tree.map(lambda old, new: (1 - beta_2) * new**2 + beta_2 * old, v, g)
    update = m / (1 - beta_1**step) / (jnp.sqrt(v / (1 - beta_2**step)) + eps)
    return theta - lr * update, m, v


@of("backward.lstm_cell")
def gradients_by_vjp(d_h_next, d_c_next, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: vjp of a cell with packed weights, gradients cut apart again."""
    u = h.shape[-1]

    def cell(x, h, c, W, b):
        i, f, g, o = jnp.split(jnp.concatenate([x, h], -1) @ W + b, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    W = jnp.concatenate([jnp.concatenate([W_xi, W_xf, W_xg, W_xo], 1), jnp.concatenate([W_hi, W_hf, W_hg, W_ho], 1)], 0)
    d_x, d_h, d_c, d_W, d_b = jax.vjp(cell, x, h, c, W, jnp.concatenate([b_i, b_f, b_g, b_o]))[1]((d_h_next, d_c_next))
    d = x.shape[-1]
    out = [d_x, d_h, d_c]
    for n in range(4):
        cut = slice(n * u, (n + 1) * u)
        out += [d_W[:d, cut], d_W[d:, cut], d_b[cut]]
    return tuple(out)


@of("multihead.causal")
def heads_by_vmap(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: vmap over heads of the weights, whose outputs through their rows of W_o are summed."""
    c, wide = W_q.shape
    d = wide // heads

    def cut(W):
        return jnp.moveaxis(W.reshape(c, heads, d), 1, 0)

    n, m = x_q.shape[-2], x_kv.shape[-2]
    seen = jnp.arange(m) <= jnp.arange(n)[:, None] + (m - n)

    def head(W_q, W_k, W_v, W_o):
        e = (x_q @ W_q) @ jnp.swapaxes(x_kv @ W_k, -1, -2) * jnp.asarray(1 / max(d, 1) ** 0.5, x_q.dtype)
        p = jax.nn.softmax(e, -1, where=seen)
        return jnp.where(seen.any(-1)[:, None], jnp.where(seen, p, 0) @ (x_kv @ W_v), 0) @ W_o

    return jax.vmap(head)(cut(W_q), cut(W_k), cut(W_v), W_o.reshape(heads, d, c)).sum(0)
