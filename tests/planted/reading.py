"""Candidates that read what they should not, or do not read what they should; each docstring says what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec import implements

Array = NDArray[Any]


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def attention(q: Array, k: Array, v: Array, d: int) -> Array:
    return np.asarray(softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(d).astype(q.dtype)) @ v)


@implements("attention.scaled_dot_product")
def eight_columns(q: Array, k: Array, v: Array) -> Array:
    """Of q_i·k_j only the first 8 terms count."""
    return attention(q[..., :8], k[..., :8], v, q.shape[-1])


@implements("attention.scaled_dot_product")
def keys_leak(q: Array, k: Array, v: Array) -> Array:
    """The output of one example of a batch changes with k of another."""
    return attention(q, k + k.dtype.type(0.5) * np.roll(k, 1, 0) if k.ndim > 2 and len(k) > 1 else k, v, q.shape[-1])


@implements("attention.padded")
def mask_of_first_example(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """All examples of a batch read mask of the first one."""
    seen = np.broadcast_to(mask[:1], mask.shape) if mask.ndim > 1 else mask
    e = np.where(seen[..., None, :], q @ np.swapaxes(k, -1, -2) / q.dtype.type(q.shape[-1]) ** 0.5, -np.inf)
    any_seen = np.asarray(seen.any(-1))[..., None, None]
    alpha = np.where(any_seen, softmax(np.where(any_seen, e, 0)), 0)
    return np.asarray((alpha @ np.where(seen[..., None], v, 0)).astype(q.dtype))


@implements("transformer.feed_forward")
def half_a_bias(x: Array, W_1: Array, b_1: Array, W_2: Array, b_2: Array) -> Array:
    """Every other place of b_2 is not read."""
    y = np.maximum(x @ W_1 + b_1, 0) @ W_2
    y[..., ::2] += b_2[..., ::2]
    return np.asarray(y)


@implements("position.learned")
def one_row_of_table(a: Array, P: Array) -> Array:
    """Place 2 of P along s+t is not read."""
    rows = P[..., : a.shape[-2], :].copy()
    rows[..., 2:3, :] = 0
    return np.asarray(a + rows)


@implements("recurrent.simple_rnn")
def looks_ahead(x: Array, h_0: Array, W_xh: Array, W_hh: Array, b_h: Array) -> Array:
    """h at a place of t reads x of later places."""
    later = np.concatenate([x[..., 1:, :], np.zeros_like(x[..., :1, :])], axis=-2)
    states, h = [], h_0
    for t in range(x.shape[-2]):
        h = np.tanh((x + later * x.dtype.type(0.3))[..., t, :] @ W_xh + h @ W_hh + b_h)
        states.append(h)
    return np.stack(states, -2) if states else np.zeros((*x.shape[:-1], h_0.shape[-1]), x.dtype)
