"""A negative token counts from the end of the table, and reads its last row.

https://github.com/pytorch/pytorch/pull/151967
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

EQUATION = "text.embedding"
OPTIONS: dict[str, object] = {"framework": "jax"}


def faulty(k: Array, P: Array) -> Array:
    return P[k]


def mended(k: Array, P: Array) -> Array:
    return jnp.where(k[..., None] < 0, jnp.zeros((), P.dtype), P[k])
