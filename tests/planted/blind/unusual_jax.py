"""Right, in JAX: jit, scan, vmap, associative scans, libraries' own functions."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax, nn

from attnspec import implements

of = partial(implements, framework="jax")


def over_batch(f, arrays, ndim):
    """`f` mapped over the leading axes of the arrays, of which the first has `ndim` axes without a batch."""
    g = f
    for _ in range(arrays[0].ndim - ndim):
        g = jax.vmap(g)
    return g(*arrays)


@of("attention.scaled_dot_product", backward=True)
@of("attention.scaled_dot_product")
@jax.jit
def scanned_tiles(q, k, v):
    """Right: a scan over tiles of 8 keys with a running maximum; the last tile is padded and masked."""
    d, m, e = q.shape[-1], k.shape[-2], v.shape[-1]
    if m == 0:
        return jnp.zeros((*q.shape[:-1], e), q.dtype)
    fill = -m % 8

    def one(q, k, v):
        k = jnp.pad(k, ((0, fill), (0, 0))).reshape(-1, 8, d)
        v = jnp.pad(v, ((0, fill), (0, 0))).reshape(-1, 8, e)
        seen = (jnp.arange(m + fill) < m).reshape(-1, 8)

        def step(carry, tile):
            top, total, o = carry
            keys, values, mask = tile
            s = jnp.where(mask, q @ keys.T / jnp.sqrt(d).astype(q.dtype), -jnp.inf)
            new = jnp.maximum(top, s.max(-1, keepdims=True))
            p, shrink = jnp.exp(s - new), jnp.exp(top - new)
            return (new, total * shrink + p.sum(-1, keepdims=True), o * shrink + p @ values), None

        lowest = jnp.full((q.shape[0], 1), jnp.finfo(q.dtype).min, q.dtype)
        (_, total, o), _ = lax.scan(
            step, (lowest, jnp.zeros_like(lowest), jnp.zeros((q.shape[0], e), q.dtype)), (k, v, seen)
        )
        return o / total

    return over_batch(one, (q, k, v), 2)


@of("attention.bilinear")
def mapped_twice(q, k, v, W):
    """Right: for one query, mapped over queries, then over examples."""

    def one(q, k, v):
        return jax.vmap(lambda row: nn.softmax(k @ (W.T @ row)) @ v)(q)

    return over_batch(one, (q, k, v), 2)


@of("attention_rnn.readout_decode")
@jax.jit
def scanned_decoder(y, s_0, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o):
    """Right: a scan over steps, outputs read after it for all steps at once."""

    def one(y, s_0, h):
        keys = h @ W_k

        def step(s, a):
            s = jnp.tanh(a + s @ W_hh)
            return s, s

        _, s = lax.scan(step, s_0, y @ W_xh + b_h)
        c = nn.softmax((s @ W_q) @ keys.T, axis=-1) @ h
        return s, jnp.concatenate([s, c], -1) @ W_o + b_o

    return over_batch(one, (y, s_0, h), 2)


@of("recurrent.lstm", backward=True)
@of("recurrent.lstm")
@jax.jit
def scanned_lstm(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: a scan over time with the time axis first, gates packed in the order i, g, f, o."""
    W_x, W_h = jnp.concatenate([W_xi, W_xg, W_xf, W_xo], 1), jnp.concatenate([W_hi, W_hg, W_hf, W_ho], 1)
    a = jnp.moveaxis(x @ W_x + jnp.concatenate([b_i, b_g, b_f, b_o]), -2, 0)

    def step(carry, a):
        h, c = carry
        i, g, f, o = jnp.split(a + h @ W_h, 4, -1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    (_, c), h = lax.scan(step, (h_0, c_0), a)
    return jnp.moveaxis(h, 0, -2), c


@of("recurrent.bidirectional_simple_rnn")
@jax.jit
def scanned_in_reverse(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Right: two scans, the second one with reverse=True."""

    def run(W_x, W_h, b, reverse):
        def step(h, a):
            h = jnp.tanh(a + h @ W_h)
            return h, h

        a = jnp.moveaxis(x @ W_x + b, -2, 0)
        return lax.scan(step, jnp.zeros((*x.shape[:-2], b.shape[0]), x.dtype), a, reverse=reverse)[1]

    both = run(W_xh_f, W_hh_f, b_h_f, False), run(W_xh_b, W_hh_b, b_h_b, True)
    return jnp.moveaxis(jnp.concatenate(both, -1), 0, -2)


@of("recurrent.many_to_one")
@jax.jit
def looped(x, h_0, W_xh, W_hh, b_h, W_hy, b_y):
    """Right: fori_loop over the steps."""
    a = x @ W_xh + b_h
    h = (
        h_0
        if not x.shape[-2]
        else lax.fori_loop(
            0, x.shape[-2], lambda t, h: jnp.tanh(lax.dynamic_index_in_dim(a, t, -2, False) + h @ W_hh), h_0
        )
    )
    return h @ W_hy + b_y


@of("backward.rnn_jacobian")
@jax.jit
def products_in_a_tree(x, h_0, W_xh, W_hh, b_h):
    """Right: the factors of all steps are multiplied by an associative scan."""
    u = h_0.shape[-1]

    def one(x, h_0):
        if x.shape[0] == 0:
            return jnp.eye(u, dtype=x.dtype)

        def step(h, a):
            h = jnp.tanh(a @ W_xh + h @ W_hh + b_h)
            return h, h

        h = lax.scan(step, h_0, x)[1]
        factors = (1 - h * h)[:, :, None] * W_hh.T
        return lax.associative_scan(lambda a, b: b @ a, factors)[-1]

    return over_batch(one, (x, h_0), 2)


@of("backward.simple_rnn", batch=(0,))
def pulled_back(d_h, x, h_0, W_xh, W_hh, b_h):
    """Right: jax.vjp of a scan."""

    def run(x, h_0, W_xh, W_hh, b_h):
        def step(h, a):
            h = jnp.tanh(a @ W_xh + h @ W_hh + b_h)
            return h, h

        return lax.scan(step, h_0, x)[1]

    return jax.vjp(run, x, h_0, W_xh, W_hh, b_h)[1](d_h)


@of("seq2seq.cross_entropy")
def picked_by_one_hot(logits, target):
    """Right: a product of log_softmax with a one-hot row."""
    return -jnp.sum(nn.log_softmax(logits) * nn.one_hot(target, logits.shape[-1], dtype=logits.dtype), -1)


@of("seq2seq.temperature")
@jax.jit
def gathered_scale(logits, *, tau):
    """Right: the maximum is taken off before the division."""
    e = (logits - logits.max(-1, keepdims=True)) / tau
    p = jnp.exp(e)
    return p / p.sum(-1, keepdims=True)


@of("generation.beam_step")
def by_top_k(log_p, score, over, *, stop):
    """Right: lax.top_k of all continuations plus 0, so that −0 is 0; it takes the first of equals first."""
    beam, v = log_p.shape[-2:]
    frozen = jnp.where(jnp.arange(v) == stop, score[..., None], -jnp.inf)
    total = jnp.where((over > 0)[..., None], frozen, score[..., None] + log_p) + 0.0
    best, at = lax.top_k(total.reshape(*total.shape[:-2], beam * v), beam)
    return best, at // v, at % v


@of("multihead.causal")
def own_attention_of_jax(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: jax.nn.dot_product_attention with a mask aligned at the bottom right; rows without keys are set to 0."""
    n, m = x_q.shape[-2], x_kv.shape[-2]
    keep = jnp.tril(jnp.ones((n, m), bool), m - n)

    def one(x_q, x_kv):
        q, k, v = (
            y.reshape(y.shape[0], heads, -1) if y.size else y.reshape(y.shape[0], heads, y.shape[1] // heads)
            for y in (x_q @ W_q, x_kv @ W_k, x_kv @ W_v)
        )
        if not n or not m:
            return jnp.zeros((n, W_o.shape[1]), x_q.dtype)
        o = nn.dot_product_attention(q, k, v, mask=keep[None])
        return jnp.where(keep.any(-1)[:, None], o.reshape(n, -1), 0) @ W_o

    return over_batch(one, (x_q, x_kv), 2)


@of("self_attention.stacked")
@jax.jit
def scanned_layers(x, W_q, W_k, W_v):
    """Right: a scan over layers, whose weights are scanned along."""

    def layer(y, weights):
        a, b, c = weights
        e = (y @ a) @ jnp.swapaxes(y @ b, -1, -2) / jnp.sqrt(a.shape[-1]).astype(y.dtype)
        return nn.softmax(e, axis=-1) @ (y @ c), None

    return lax.scan(layer, x, (W_q, W_k, W_v))[0]


@of("transformer.feed_forward_gelu_tanh")
def gelu_of_jax(x, W_1, b_1, W_2, b_2):
    """Right: jax.nn.gelu with approximate=True."""
    return nn.gelu(x @ W_1 + b_1, approximate=True) @ W_2 + b_2


@of("transformer.layer_norm")
@jax.jit
def standardized(x, gamma, beta, *, eps):
    """Right: jax.nn.standardize, with the mean of squares of what is centred."""
    c = x - x.mean(-1, keepdims=True)
    return c * lax.rsqrt(jnp.mean(lax.square(c), -1, keepdims=True) + eps) * gamma + beta


@of("optimizer.sgd")
def leaf_by_leaf(theta, g, *, lr):
    """Right: tree_map over a tree of one leaf."""
    return jax.tree.map(lambda p, d: p - lr * d, [theta], [g])[0]


@of("position.sinusoidal_halves")
def two_blocks(*, t, d):
    """Right: sines beside cosines, with one sine more where the width is odd; in float64."""
    i = jnp.arange((d + 1) // 2, dtype=jnp.float64)
    angle = jnp.arange(t, dtype=jnp.float64)[:, None] / 10000.0 ** (2 * i / d)
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle[:, : d // 2])], -1).astype(jnp.float32)
