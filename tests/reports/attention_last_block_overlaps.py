"""The last block of keys, where it is not full, is moved back to fit, and keys of the block before count twice.

https://github.com/jax-ml/jax/issues/27224
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array, lax

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "jax"}


BLOCK = 128


def attend(q: Array, k: Array, v: Array, masks: bool) -> Array:
    m, scale = k.shape[-2], 1 / math.sqrt(q.shape[-1])
    size = min(BLOCK, m)
    top = jnp.full(q.shape[:-1], -jnp.inf, q.dtype)
    total, o = jnp.zeros(q.shape[:-1], q.dtype), jnp.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
    for first in range(0, m, size):
        at = min(first, m - size)  # lax.dynamic_slice moves a slice that would reach beyond the end
        keys = lax.dynamic_slice_in_dim(k, first, size, axis=-2)
        values = lax.dynamic_slice_in_dim(v, first, size, axis=-2)
        e = q @ jnp.swapaxes(keys, -1, -2) * scale
        if masks:
            e = jnp.where(at + jnp.arange(size) >= first, e, -jnp.inf)
        new = jnp.maximum(top, e.max(-1))
        p, shrunk = jnp.exp(e - new[..., None]), jnp.exp(top - new)
        total, o, top = total * shrunk + p.sum(-1), o * shrunk[..., None] + p @ values, new
    return o / total[..., None]


def faulty(q: Array, k: Array, v: Array) -> Array:
    return attend(q, k, v, masks=False)


def mended(q: Array, k: Array, v: Array) -> Array:
    return attend(q, k, v, masks=True)
