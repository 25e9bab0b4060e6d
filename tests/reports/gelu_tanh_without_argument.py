"""The activation is half of 1 + tanh(…), without the argument in front.

https://github.com/tensorflow/tfjs/pull/8224
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

EQUATION = "transformer.feed_forward_gelu_tanh"
OPTIONS: dict[str, object] = {"framework": "jax"}


def gate(a: Array) -> Array:
    return 0.5 * (1 + jnp.tanh(0.7978845608028654 * (a + 0.044715 * a**3)))


def faulty(x: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array) -> Array:
    return gate(x @ W_1 + b_1) @ W_2 + b_2


def mended(x: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array) -> Array:
    a = x @ W_1 + b_1
    return (a * gate(a)) @ W_2 + b_2
