"""Right, in JAX: tiles in a scan, a loop that writes states, log-add-exp for a loss, transposed linear maps."""

import math

import jax
import jax.numpy as jnp
from jax import lax

from attnspec import implements


def of(name):
    return implements(name, framework="jax", dtypes=("float32",))


@of("attention.masked")
@jax.jit
def tiles_in_a_scan(q, k, v, mask):
    """Right: keys are padded to tiles of 32 and scanned with a running maximum; blind rows are 0."""
    m = k.shape[-2]
    more, tiles = -m % 32, -(-m // 32)

    def in_tiles(a, axis):
        pads = [(0, 0)] * a.ndim
        pads[axis] = (0, more)
        a = jnp.pad(a, pads)
        return jnp.moveaxis(a.reshape(*a.shape[:axis], tiles, 32, *a.shape[axis:][1:]), a.ndim - 2, 0)

    def step(state, tile):
        top, total, o = state
        key, value, seen = tile
        e = jnp.where(seen, q @ jnp.swapaxes(key, -1, -2) / math.sqrt(max(q.shape[-1], 1)), -jnp.inf)
        largest = jnp.maximum(top, e.max(-1, keepdims=True))
        finite = jnp.where(jnp.isneginf(largest), 0, largest)
        kept, p = jnp.exp(top - finite), jnp.exp(e - finite)
        return (largest, total * kept + p.sum(-1, keepdims=True), o * kept + p @ value), None

    tops = jnp.full((*q.shape[:-1], 1), -jnp.inf, q.dtype)
    start = (tops, jnp.zeros_like(tops), jnp.zeros((*q.shape[:-1], v.shape[-1]), q.dtype))
    seen = jnp.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, more)])
    seen = jnp.moveaxis(seen.reshape(*mask.shape[:-1], tiles, 32), -2, 0)
    (_, total, o), _ = lax.scan(step, start, (in_tiles(k, k.ndim - 2), in_tiles(v, v.ndim - 2), seen))
    return o / jnp.where(total > 0, total, 1)


@of("recurrent.lstm")
@jax.jit
def states_written_in_a_loop(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: lax.fori_loop with packed gates; each state is written by .at[…].set."""
    W, U = jnp.hstack([W_xi, W_xf, W_xg, W_xo]), jnp.hstack([W_hi, W_hf, W_hg, W_ho])
    a = x @ W + jnp.hstack([b_i, b_f, b_g, b_o])

    def step(t, state):
        h, c, states = state
        i, f, g, o = jnp.split(a[..., t, :] + h @ U, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return h, c, states.at[..., t, :].set(h)

    steps = x.shape[-2]
    states = jnp.zeros((*h_0.shape[:-1], steps, h_0.shape[-1]), x.dtype)
    _, c, states = lax.fori_loop(0, steps, step, (h_0, c_0, states)) if steps else (h_0, c_0, states)
    return states, c


@of("text.binary_cross_entropy")
@jax.jit
def sum_of_exponents_with_one(logit, target):
    """Right: log(1 + e^a), by logaddexp, of the logit with the sign that the target gives it."""
    return jnp.logaddexp(0.0, jnp.where(target > 0, -logit, logit)).astype(logit.dtype)


@of("backward.linear")
@jax.jit
def linear_maps_transposed(d_y, x, W, b):
    """Right: jax.linear_transpose of the product in each of its arguments, mapped over the flattened batch."""
    lead = d_y.shape[:-2]

    def one(d, rows):
        (d_x,) = jax.linear_transpose(lambda a: a @ W, rows)(d)
        (d_W,) = jax.linear_transpose(lambda a: rows @ a, W)(d)
        return d_x, d_W, d.sum(0)

    flat = [a.reshape(math.prod(lead), *a.shape[-2:]) for a in (d_y, x)]
    results = jax.vmap(one)(*flat)
    return tuple(r.reshape(*lead, *r.shape[1:]) for r in results)
