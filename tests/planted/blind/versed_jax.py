"""Right, in JAX: own gradients, maps of maps, scans, reductions within where, optax's and Flax's order."""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from attnspec import implements

of = partial(implements, framework="jax", dtypes=("float32", "float16", "bfloat16"))


def wide(x):
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


@of("attention.scaled_dot_product")
def two_maps_of_a_pair(q, k, v):
    """Right: jnp.vectorize of one query over keys mapped by vmap, weights by jax.nn.softmax, float32 at least."""

    def read(query, keys, values):
        e = jax.vmap(lambda key: jnp.vdot(query, key))(keys) * (1.0 / math.sqrt(q.shape[-1]))
        return jax.nn.softmax(e) @ values

    rows = jnp.vectorize(jax.vmap(read, (0, None, None)), signature="(n,d),(m,d),(m,e)->(n,e)")
    return rows(wide(q), wide(k), wide(v)).astype(v.dtype)


@of("attention.masked")
def where_within_both_reductions(q, k, v, mask):
    """Right: a largest score by where and initial, exp within where, blind rows 0, in float32 at least."""
    e = jnp.einsum("...id,...jd->...ij", wide(q), wide(k)) / math.sqrt(q.shape[-1])
    p = jnp.where(mask, jnp.exp(e - jnp.max(e, -1, keepdims=True, where=mask, initial=-1e30)), 0)
    total = p.sum(-1, keepdims=True)
    return (p / jnp.where(total > 0, total, 1) @ wide(v)).astype(v.dtype)


@of("transformer.layer_norm")
def with_a_gradient_of_its_own(x, gamma, beta, *, eps):
    """Right: jax.custom_vjp around lax.rsqrt of the mean of what is centred, in float32 at least."""

    @jax.custom_vjp
    def norm(a):
        centred = a - a.mean(-1, keepdims=True)
        return centred * lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + eps)

    def forward(a):
        centred = a - a.mean(-1, keepdims=True)
        rstd = lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + eps)
        return centred * rstd, (centred * rstd, rstd)

    def backward(kept, g):
        hat, rstd = kept
        return (rstd * (g - g.mean(-1, keepdims=True) - hat * (g * hat).mean(-1, keepdims=True)),)

    norm.defvjp(forward, backward)
    return (norm(wide(x)) * wide(gamma) + wide(beta)).astype(x.dtype)


@of("recurrent.simple_rnn")
def scanned_four_steps_at_a_time(x, h_0, W_xh, W_hh, b_h):
    """Right: lax.scan with unroll over time in front, in float32 at least."""

    def step(h, a):
        h = jnp.tanh(a + h @ wide(W_hh))
        return h, h

    _, h = lax.scan(step, wide(h_0), jnp.moveaxis(wide(x) @ wide(W_xh) + wide(b_h), -2, 0), unroll=4)
    return jnp.moveaxis(h, 0, -2).astype(x.dtype)


@of("recurrent.gru_cell_reset_after")
def cell_as_flax_has_it(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: gates as Flax's GRUCell names and combines them, in float32 at least."""
    a, s = wide(x), wide(h)
    r = jax.nn.sigmoid(a @ wide(W_xr) + wide(b_r) + s @ wide(W_hr))
    z = jax.nn.sigmoid(a @ wide(W_xz) + wide(b_z) + s @ wide(W_hz))
    n = jnp.tanh(a @ wide(W_xh) + wide(b_h) + r * (s @ wide(W_hh) + wide(b_hh)))
    return ((1.0 - z) * n + z * s).astype(h.dtype)


@of("optimizer.adam")
def moments_as_optax_has_them(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: tree_map over a dictionary, the update added, in float32 at least."""
    p = {"theta": wide(theta)}
    first = jax.tree.map(lambda a, b: (1 - beta_1) * a + beta_1 * b, wide(g), wide(m))
    second = jax.tree.map(lambda a, b: (1 - beta_2) * jnp.square(a) + beta_2 * b, wide(g), wide(v))
    hats = first / (1 - beta_1**step), second / (1 - beta_2**step)
    new = jax.tree.map(lambda a: a + -lr * (hats[0] / (jnp.sqrt(hats[1]) + eps)), p)
    return new["theta"].astype(theta.dtype), first.astype(m.dtype), second.astype(v.dtype)


@of("seq2seq.cross_entropy")
def largest_off_then_the_label(logits, target):
    """Right: as optax: the largest off, the logarithm of the sum less the label's logit, in float32 at least."""
    a = wide(logits)
    a = a - lax.stop_gradient(a.max(-1, keepdims=True))
    label = jnp.take_along_axis(a, jnp.expand_dims(target, -1), axis=-1)[..., 0]
    return (jnp.log(jnp.sum(jnp.exp(a), -1)) - label).astype(logits.dtype)


@of("text.embedding")
def one_hot_times_the_table(k, P):
    """Right: jax.nn.one_hot, whose row is 0 where a token is missing, times the table at the highest precision."""
    return jnp.dot(jax.nn.one_hot(k, len(P), dtype=P.dtype), P, precision=lax.Precision.HIGHEST)


@of("text.binary_cross_entropy")
def log_sigmoids_of_both(logit, target):
    """Right: minus target log σ(x) less (1 − target) log σ(−x), in float32 at least."""
    a = wide(logit)
    return (-target * jax.nn.log_sigmoid(a) - (1 - target) * jax.nn.log_sigmoid(-a)).astype(logit.dtype)


@of("attention.hard")
def compared_with_its_argmax(e, v):
    """Right: values chosen by take_along_axis at jnp.argmax."""
    return jnp.take_along_axis(v, jnp.argmax(e, -1)[..., None], axis=-2)
