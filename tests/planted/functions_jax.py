"""Attention in JAX: right in several forms, and wrong by little."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from attnspec import implements

Array = Any


@implements("attention.scaled_dot_product", framework="jax")
def right(q: Array, k: Array, v: Array) -> Array:
    return jax.nn.softmax(q @ jnp.swapaxes(k, -1, -2) / jnp.sqrt(q.shape[-1]).astype(q.dtype), -1) @ v


@implements("attention.scaled_dot_product", framework="jax")
@jax.jit
def right_scan(q: Array, k: Array, v: Array) -> Array:
    def step(carry: Any, row: Any) -> Any:
        top, total, result = carry
        key, value = row
        e = (q * key[..., None, :]).sum(-1) / q.shape[-1] ** 0.5
        larger = jnp.maximum(top, e)
        old, new = jnp.exp(top - larger), jnp.exp(e - larger)
        return (larger, total * old + new, result * old[..., None] + new[..., None] * value[..., None, :]), None

    start = (jnp.full(q.shape[:-1], -jnp.inf, q.dtype), jnp.zeros(q.shape[:-1], q.dtype),
             jnp.zeros((*q.shape[:-1], v.shape[-1]), q.dtype))  # fmt: skip
    rows = (jnp.moveaxis(k, -2, 0), jnp.moveaxis(v, -2, 0))
    (_, total, result), _ = jax.lax.scan(step, start, rows)
    return result / total[..., None]


@implements("attention.scaled_dot_product", framework="jax")
def wrong_scale(q: Array, k: Array, v: Array) -> Array:
    return jax.nn.softmax(q @ jnp.swapaxes(k, -1, -2) / (q.shape[-1] + 1) ** 0.5, -1) @ v


@implements("attention.scaled_dot_product", framework="jax")
def wrong_a_millionth(q: Array, k: Array, v: Array) -> Array:
    return right(q, k, v) * (1 + 1e-6)


@implements("optimizer.sgd", framework="jax")
def right_step(theta: Array, g: Array, *, lr: float) -> Array:
    return theta - lr * g
