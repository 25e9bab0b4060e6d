"""Right, in JAX, as it is written at work: jit, scans over time and tiles, vmap over heads, gradients by jax.grad."""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax, nn

from attnspec import implements

ALL = ("float32", "float64", "float16", "bfloat16")
of = partial(implements, framework="jax", dtypes=ALL)


def wide(x):
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def turned(x):
    return jnp.swapaxes(x, -1, -2)


@of("attention.causal")
@jax.jit
def mapped_over_blocks_of_queries(q, k, v):
    """Right: lax.map over padded blocks of 16 queries, a mask by places, blind rows zeroed; float32 at least."""
    n, m, size = q.shape[-2], k.shape[-2], 16
    pad = [(0, 0)] * (q.ndim - 2) + [(0, -n % size), (0, 0)]
    blocks = jnp.moveaxis(jnp.pad(wide(q), pad).reshape(*q.shape[:-2], -(-n // size), size, q.shape[-1]), -3, 0)
    starts = jnp.arange(blocks.shape[0]) * size

    def block(given):
        a, start = given
        e = a @ turned(wide(k)) / math.sqrt(q.shape[-1])
        seen = jnp.arange(m) <= start + jnp.arange(size)[:, None] + (m - n)
        p = nn.softmax(e, where=seen, axis=-1)
        return jnp.where(seen.any(-1, keepdims=True), p, 0) @ wide(v)

    if m == 0 or n == 0:
        return jnp.zeros((*q.shape[:-1], v.shape[-1]), v.dtype)
    out = jnp.moveaxis(lax.map(block, (blocks, starts)), 0, -3)
    return out.reshape(*q.shape[:-2], -(-n // size) * size, v.shape[-1])[..., :n, :].astype(v.dtype)


@of("multihead.causal")
@partial(jax.jit, static_argnames="heads")
def mapped_over_heads(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: weights cut by head, vmap over them, outputs and the rows of W_o by einsum; float32 at least."""
    d = W_q.shape[1] // heads

    def cut(W):
        return jnp.moveaxis(wide(W).reshape(W.shape[0], heads, d), 1, 0)

    n, m = x_q.shape[-2], x_kv.shape[-2]
    seen = jnp.tril(jnp.ones((n, m), bool), m - n)

    def head(W_q, W_k, W_v):
        e = (wide(x_q) @ W_q) @ turned(wide(x_kv) @ W_k) * d**-0.5
        e = jnp.where(seen, e, jnp.finfo(e.dtype).min)
        p = jnp.where(seen, nn.softmax(e, axis=-1), 0)
        return p @ (wide(x_kv) @ W_v)

    o = jax.vmap(head)(cut(W_q), cut(W_k), cut(W_v))
    return jnp.einsum("h...nd,hdc->...nc", o, wide(W_o).reshape(heads, d, -1)).astype(x_q.dtype)


@of("recurrent.gru_reset_after")
@jax.jit
def scanned_unrolled(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: inputs projected for all steps, a scan unrolled by 2 over packed recurrent weights, float32 at least."""
    u = h_0.shape[-1]
    W = wide(jnp.concatenate([W_hr, W_hz, W_hh], 1))
    b = wide(jnp.concatenate([jnp.zeros_like(b_r), jnp.zeros_like(b_z), b_hh]))
    a = wide(x) @ wide(jnp.concatenate([W_xr, W_xz, W_xh], 1)) + wide(jnp.concatenate([b_r, b_z, b_h]))

    def step(h, row):
        s = h @ W + b
        r, z = nn.sigmoid(row[..., :u] + s[..., :u]), nn.sigmoid(row[..., u : 2 * u] + s[..., u : 2 * u])
        new = jnp.tanh(row[..., 2 * u :] + r * s[..., 2 * u :])
        h = z * h + (1 - z) * new
        return h, h

    _, states = lax.scan(step, wide(h_0), jnp.moveaxis(a, -2, 0), unroll=2)
    return jnp.moveaxis(states, 0, -2).astype(x.dtype)


@of("backward.causal")
def by_grad_of_a_product(d_o, q, k, v):
    """Right: jax.grad of the inner product with the incoming gradient, in float32 at least."""
    n, m = q.shape[-2], k.shape[-2]
    seen = jnp.tril(jnp.ones((n, m), bool), m - n)

    def product(q, k, v):
        e = jnp.where(seen, q @ turned(k) / math.sqrt(q.shape[-1]), jnp.finfo(q.dtype).min)
        p = jnp.where(seen, nn.softmax(e, axis=-1), 0) if m else e
        return jnp.vdot(p @ v, wide(d_o))

    return tuple(g.astype(q.dtype) for g in jax.grad(product, (0, 1, 2))(wide(q), wide(k), wide(v)))


@of("transformer.feed_forward_gelu_tanh")
@jax.jit
def approximate_gelu(x, W_1, b_1, W_2, b_2):
    """Right: jax.nn.gelu(approximate=True) between two products with float32 results at least."""
    wider = jnp.promote_types(x.dtype, jnp.float32)
    a = jnp.matmul(x, W_1, preferred_element_type=wider) + wide(b_1)
    return (nn.gelu(a, approximate=True) @ wide(W_2) + wide(b_2)).astype(x.dtype)


@of("recurrent.simple_rnn_lengths")
@jax.jit
def carried_by_where(x, length, h_0, W_xh, W_hh, b_h):
    """Right: a scan over time whose carry rests behind the length, outputs zeroed; float32 at least."""
    a = jnp.moveaxis(wide(x) @ wide(W_xh) + wide(b_h), -2, 0)

    def step(h, given):
        row, t = given
        runs = (t < length)[..., None]
        h = jnp.where(runs, jnp.tanh(row + h @ wide(W_hh)), h)
        return h, jnp.where(runs, h, 0)

    last, states = lax.scan(step, wide(h_0), (a, jnp.arange(x.shape[-2])))
    return jnp.moveaxis(states, 0, -2).astype(x.dtype), last.astype(x.dtype)
