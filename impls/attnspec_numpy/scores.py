"""Scores: how much query i and key j have to do with each other, additive and by products."""

from __future__ import annotations

import math

import numpy as np

from attnspec import implements
from attnspec_numpy._functions import DEVICES, DTYPES, Array, chunks, half_in_single, transposed


@implements("scores.additive", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def additive(s: Array, h: Array, W: Array, U: Array, v_a: Array) -> Array:
    """Both projections once; the tanh of their sums is taken for a few queries at a time and summed at once."""
    queries, keys = s @ W, (h @ U)[..., None, :, :]
    e = np.empty((*queries.shape[:-1], h.shape[-2]), dtype=queries.dtype)
    for rows in chunks(queries, keys):
        sums = queries[..., rows, None, :] + keys
        e[..., rows, :] = np.tanh(sums, out=sums) @ v_a
    return e


@implements("scores.dot", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def dot(q: Array, k: Array) -> Array:
    """One product."""
    return q @ transposed(k)


@implements("scores.scaled_dot", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def scaled_dot(q: Array, k: Array) -> Array:
    """The queries are scaled, which are fewer numbers than the scores."""
    return (q / math.sqrt(k.shape[-1])) @ transposed(k)


@implements("scores.bilinear", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bilinear(q: Array, k: Array, W: Array) -> Array:
    """The queries are mapped to the keys' width."""
    return q @ W @ transposed(k)


@implements("scores.linear", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def linear(s: Array, h: Array, W_q: Array, W_k: Array) -> Array:
    """Each side once through its matrix, then one product."""
    return (s @ W_q) @ transposed(h @ W_k)


@implements("scores.nonlinear", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def nonlinear(s: Array, h: Array, W_q: Array, W_k: Array, b_q: Array, b_k: Array) -> Array:
    """Each side once through its layer, then one product."""
    queries, keys = np.tanh(s @ W_q + b_q), np.tanh(h @ W_k + b_k)
    return dot(queries, keys)
