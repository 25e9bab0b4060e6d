"""Gradients: what a training kernel returns, from the gradients of an equation's results."""

from __future__ import annotations

import math

from attnspec import implements
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single, softmax, transposed


@implements("backward.scaled_dot_product", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def scaled_dot_product(d_o: Array, q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    """Five products. The queries come scaled, so that ∂k needs no scale of its own."""
    scale = 1 / math.sqrt(k.shape[-1])
    scaled = q * scale
    e = scaled @ transposed(k)
    p = softmax(e, out=e)
    d_v = transposed(p) @ d_o
    d_e = d_o @ transposed(v)
    d_e -= (d_o * (p @ v)).sum(axis=-1, keepdims=True)
    d_e *= p
    d_q = d_e @ k
    d_q *= scale
    return d_q, transposed(d_e) @ scaled, d_v
