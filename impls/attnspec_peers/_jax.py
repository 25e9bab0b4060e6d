"""JAX: its functions, compiled.

float64 needs jax_enable_x64, which is left alone here: it is the whole process's, and has to be on before a caller can
make the first float64 array. Without it JAX makes float32 of them.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array


@jax.jit
def softmax(e: Array) -> Array:
    """jax.nn.softmax over the keys."""
    return jax.nn.softmax(e, axis=-1)


def _attention(q: Array, k: Array, v: Array, causal: bool) -> Array:
    d, e = q.shape[-1], v.shape[-1]

    def one_head(a: Array) -> Array:
        missing = max(d, e) - a.shape[-1]
        return jnp.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, missing)])[..., None, :]

    q, k, v = one_head(q), one_head(k), one_head(v)
    return jax.nn.dot_product_attention(q, k, v, scale=1 / math.sqrt(d), is_causal=causal)[..., 0, :e]


_compiled = jax.jit(_attention, static_argnums=3)


def attention(q: Array, k: Array, v: Array, causal: bool = False) -> Array:
    """jax.nn.dot_product_attention with one head.

    It knows one width for queries, keys and values: zeros fill up the narrower, the scale keeps to the queries' own.
    """
    # jax asks for half products that XLA has not on a CPU, in bfloat16 where a size is 1, and others where it is not
    # compiled. Compiling each operation by itself takes four times as long, so it is the last resort.
    try:
        c: Array = _compiled(q, k, v, causal)
        return c
    except jax.errors.JaxRuntimeError:
        if q.dtype != jnp.bfloat16:
            raise
        return _attention(q, k, v, causal)
