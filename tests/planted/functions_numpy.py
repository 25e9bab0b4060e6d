"""Attention in NumPy: right in several forms, wrong by little, and such that nobody can trace it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from attnspec import implements

Array = Any


def softmax(e: Array) -> Array:
    parts = np.exp(e - e.max(axis=-1, keepdims=True))
    return parts / parts.sum(axis=-1, keepdims=True)


@implements("attention.scaled_dot_product", framework="numpy")
def right(q: Array, k: Array, v: Array) -> Array:
    return softmax(q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])) @ v


@implements("attention.scaled_dot_product", framework="numpy")
def right_einsum(q: Array, k: Array, v: Array) -> Array:
    e = np.einsum("...nd,...md->...nm", q, k) * (q.shape[-1] ** -0.5)
    parts = np.exp(e - np.max(e, -1)[..., None])
    return np.einsum("...nm,...md->...nd", parts, v, optimize=True) / np.sum(parts, axis=-1, keepdims=True)


@implements("attention.scaled_dot_product", framework="numpy")
def right_rounded_scale(q: Array, k: Array, v: Array) -> Array:
    """√d is rounded to float32, as software does."""
    return softmax(q @ np.swapaxes(k, -1, -2) / np.float32(math.sqrt(q.shape[-1]))) @ v


@implements("attention.scaled_dot_product", framework="numpy")
def right_online(q: Array, k: Array, v: Array) -> Array:
    top = np.full(q.shape[:-1], -np.inf)
    total = np.zeros(q.shape[:-1])
    result = np.zeros((*q.shape[:-1], v.shape[-1]))
    for j in range(k.shape[-2]):
        e = (q * k[..., j : j + 1, :]).sum(-1) / math.sqrt(q.shape[-1])
        larger = np.maximum(top, e)
        old, new = np.exp(top - larger), np.exp(e - larger)
        total = total * old + new
        result = result * old[..., None] + new[..., None] * v[..., j : j + 1, :]
        top = larger
    return (result / total[..., None]).astype(q.dtype)


@implements("attention.scaled_dot_product", framework="numpy")
def right_finite_start(q: Array, k: Array, v: Array) -> Array:
    """The largest score is searched for from the least finite number."""
    e = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    parts = np.exp(e - e.max(axis=-1, keepdims=True, initial=np.finfo(e.dtype).min))
    return parts / parts.sum(axis=-1, keepdims=True) @ v


@implements("attention.scaled_dot_product", framework="numpy")
def wrong_scale(q: Array, k: Array, v: Array) -> Array:
    return softmax(q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1] + 1)) @ v


@implements("attention.scaled_dot_product", framework="numpy")
def wrong_a_trillionth(q: Array, k: Array, v: Array) -> Array:
    return right(q, k, v) * (1 + 1e-12)


@implements("attention.scaled_dot_product", framework="numpy")
def opaque_float(q: Array, k: Array, v: Array) -> Array:
    largest = float(np.max(np.abs(q)))
    return right(q / largest, k, v * largest) if largest > 1e30 else right(q, k, v)


@implements("attention.scaled_dot_product", framework="numpy")
def opaque_table(q: Array, k: Array, v: Array) -> Array:
    """A table of exponentials stands for a computation that happens elsewhere."""
    table = np.array([math.exp(k / 7) for k in range(q.shape[-1])], np.float32)
    return right(q * table, k / table, v)
