"""Attention: weights from scores, sums of values by weights, and the two as one."""

from __future__ import annotations

import math

import numpy as np

from attnspec import implements
from attnspec_numpy import scores
from attnspec_numpy._functions import (
    DEVICES,
    DTYPES,
    Array,
    blocks,
    half_in_single,
    masked_softmax,
    seen_sum,
    softmax,
    transposed,
    with_lead,
)

LOG2_E = math.log2(math.e)
"""NumPy's powers of 2 take half the time of its exponential: exp(x) is 2^(x log₂ e)."""


@implements("attention.weights", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def weights(e: Array) -> Array:
    """Each row's largest score is subtracted first."""
    return softmax(e)


@implements("attention.context_vector", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def context_vector(alpha: Array, h: Array) -> Array:
    """One product."""
    return alpha @ h


@implements("attention.value_map", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def value_map(alpha: Array, h: Array, W_v: Array) -> Array:
    """The matrix goes to the states or to their sums, whichever are fewer."""
    n, m = alpha.shape[-2:]
    return (alpha @ h) @ W_v if n < m else alpha @ (h @ W_v)


@implements("attention.soft", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def soft(q: Array, x: Array) -> Array:
    """The inputs are keys and values at once."""
    return dot_product(q, x, x)


@implements("attention.learned_query", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def learned_query(x: Array, q: Array) -> Array:
    """Soft attention with the arguments in the other order."""
    return dot_product(q, x, x)


@implements("attention.key_value", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def key_value(e: Array, v: Array) -> Array:
    """The weights once, then one product."""
    return softmax(e) @ v


@implements("attention.hard", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def hard(e: Array, v: Array) -> Array:
    """The places, which NumPy takes from the first on a tie, then the values there: nothing is computed."""
    best = e.argmax(axis=-1)[..., None]
    lead = np.broadcast_shapes(best.shape[:-2], v.shape[:-2])
    rows = np.broadcast_to(v, (*lead, *v.shape[-2:]))
    return np.take_along_axis(rows, np.broadcast_to(best, (*lead, *best.shape[-2:])), axis=-2)


@implements("attention.relu_weights", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def relu_weights(e: Array, v: Array) -> Array:
    """The weights once, then one product."""
    alpha: Array = np.maximum(e, e.dtype.type(0))
    return alpha @ v


@implements("attention.linear_weights", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def linear_weights(e: Array, v: Array) -> Array:
    """One product."""
    return e @ v


@implements("attention.dot_product", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def dot_product(q: Array, k: Array, v: Array) -> Array:
    """Two products, and powers of 2 in place between them, for as many queries at a time as the cache has room for."""
    return _in_base_two(q * LOG2_E, k, v)


def _in_base_two(q: Array, k: Array, v: Array) -> Array:
    """Attention whose weights are powers of 2; the sums are divided and not the weights, which are more numbers."""
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = with_lead(lead, q, k, v)
    o = np.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
    late = _sums_are_finite(v)
    for at, rows in blocks(lead, q.shape[-2], k.shape[-2]):
        e = q[at][..., rows, :] @ transposed(k[at])
        e -= e.max(axis=-1, keepdims=True, initial=-np.inf)
        total = np.exp2(e, out=e).sum(axis=-1, keepdims=True)
        summed = o[at][..., rows, :]
        np.matmul(e if late else np.divide(e, total, out=e), v[at], out=summed)
        if late:
            summed /= total
    return o


def _sums_are_finite(v: Array) -> bool:
    """Whether sums of all values with weights up to 1 are finite; False if there are no values, or NaN among them."""
    m = v.shape[-2]
    return m > 0 and bool(np.abs(v).max(initial=0) <= np.finfo(v.dtype).max / (2 * m))


@implements("attention.scaled_dot_product", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def scaled_dot_product(q: Array, k: Array, v: Array) -> Array:
    """The queries are scaled, which are fewer numbers than the scores."""
    return _in_base_two(q * (LOG2_E / math.sqrt(k.shape[-1])), k, v)


@implements("attention.bilinear", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def bilinear(q: Array, k: Array, v: Array, W: Array) -> Array:
    """The queries are mapped to the keys' width."""
    return dot_product(q @ W, k, v)


@implements("attention.additive", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def additive(q: Array, k: Array, v: Array, W: Array, U: Array, v_a: Array) -> Array:
    """The scores come a few queries at a time, see scores.additive."""
    e = scores.additive(q, k, W, U, v_a)
    return softmax(e, out=e) @ v


@implements("attention.masked", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def masked(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """Scores of masked pairs are replaced, not added to, so that nothing in a masked key or value can show."""
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity at masked places are no fault
        e = scores.scaled_dot(q, k)
        return seen_sum(masked_softmax(e, mask), v, mask)


@implements("attention.masked_empty_is_nan", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def masked_empty_is_nan(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """Scores of masked pairs are −∞; the softmax of nothing else is NaN."""
    e = np.where(mask, scores.scaled_dot(q, k), -np.inf)
    with np.errstate(invalid="ignore"):  # −∞ from −∞
        p: Array = np.exp(e - e.max(axis=-1, keepdims=True, initial=-np.inf))
        alpha: Array = p / p.sum(axis=-1, keepdims=True)
    return alpha @ v


@implements("attention.padded", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def padded(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """Masked, with one row of the mask for all queries."""
    return masked(q, k, v, mask[..., None, :])


@implements("attention.causal", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def causal(q: Array, k: Array, v: Array) -> Array:
    """The last query is at the last key."""
    return _causal(q, k, v, k.shape[-2] - q.shape[-2])


@implements("attention.causal_top_left", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def causal_top_left(q: Array, k: Array, v: Array) -> Array:
    """The first query is at the first key."""
    return _causal(q, k, v, 0)


def _causal(q: Array, k: Array, v: Array, offset: int) -> Array:
    """Query i sees the keys up to i + offset. Keys that no query of a block sees are left out of its products."""
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = with_lead(lead, q * (LOG2_E / math.sqrt(k.shape[-1])), k, v)
    n, m = q.shape[-2], k.shape[-2]
    o = np.zeros((*lead, n, v.shape[-1]), q.dtype)
    late = _sums_are_finite(v)
    for at, rows in blocks(lead, n, m):
        seen = min(max(rows.stop + offset, 0), m)
        by_all = min(max(rows.start + offset, 0), seen)  # keys that all queries of the block see
        mask = np.tri(rows.stop - rows.start, seen - by_all, rows.start + offset - by_all, dtype=np.bool_)
        with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity at masked places are no fault
            e = q[at][..., rows, :] @ transposed(k[at][..., :seen, :])
            np.copyto(e[..., by_all:], -np.inf, where=~mask)
            top = e.max(axis=-1, keepdims=True, initial=-np.inf)
            e -= np.where(np.isneginf(top), top.dtype.type(0), top)
            total = np.exp2(e, out=e).sum(axis=-1, keepdims=True)
            total = np.where(total == 0, total.dtype.type(1), total)  # of a query that sees no key
            if late:
                o[at][..., rows, :] = (e @ v[at][..., :seen, :]) / total
            else:
                shown = np.tri(rows.stop - rows.start, seen, rows.start + offset, dtype=np.bool_)
                o[at][..., rows, :] = seen_sum(e / total, v[at][..., :seen, :], shown)
    return o


@implements("attention.with_lse", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def with_lse(q: Array, k: Array, v: Array) -> tuple[Array, Array]:
    """One exponential serves both: the sum that the weights are divided by is the one whose logarithm is told."""
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = with_lead(lead, q / math.sqrt(k.shape[-1]), k, v)
    o, lse = np.empty((*q.shape[:-1], v.shape[-1]), q.dtype), np.empty(q.shape[:-1], q.dtype)
    for at, rows in blocks(lead, q.shape[-2], k.shape[-2]):
        p = q[at][..., rows, :] @ transposed(k[at])
        top = p.max(axis=-1, keepdims=True, initial=-np.inf)
        p -= top
        np.exp(p, out=p)
        total = p.sum(axis=-1, keepdims=True)
        with np.errstate(divide="ignore"):  # over no keys the logarithm is −∞
            lse[at][..., rows] = (top + np.log(total))[..., 0]
        p /= total
        np.matmul(p, v[at], out=o[at][..., rows, :])
    return o, lse


@implements("attention.merge", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def merge(o_1: Array, lse_1: Array, o_2: Array, lse_2: Array) -> tuple[Array, Array]:
    """The larger logarithm is subtracted from both, so that their sum is 1 at least, and 0 where neither has keys.

    There 0 is subtracted, so that −∞ − (−∞) never stands.
    """
    top = np.maximum(lse_1, lse_2)
    base = np.where(np.isneginf(top), top.dtype.type(0), top)
    p_1, p_2 = np.exp(lse_1 - base), np.exp(lse_2 - base)
    total = p_1 + p_2
    with np.errstate(divide="ignore"):  # neither part has keys
        lse: Array = base + np.log(total)
    o: Array = (p_1[..., None] * o_1 + p_2[..., None] * o_2) / np.maximum(total, 1)[..., None]
    return o, lse


@implements("attention.incremental", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def incremental(q: Array, k_new: Array, v_new: Array, K: Array, V: Array) -> tuple[Array, Array, Array]:
    """Stored by copying; who steps often keeps room behind the rows instead."""
    K_next, V_next = _appended(K, k_new), _appended(V, v_new)
    return scaled_dot_product(q[..., None, :], K_next, V_next)[..., 0, :], K_next, V_next


def _appended(rows: Array, row: Array) -> Array:
    """One more row; the batch axes of either are those of both."""
    lead = np.broadcast_shapes(rows.shape[:-2], row.shape[:-1])
    last = row[..., None, :]
    parts = (np.broadcast_to(part, (*lead, *part.shape[-2:])) for part in (rows, last))
    return np.concatenate(list(parts), axis=-2)


@implements("attention.layer_readout", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def layer_readout(c: Array, W: Array, b: Array) -> Array:
    """One product; the bias and the softmax work in place."""
    e = c @ W
    e += b
    return softmax(e, out=e)


@implements("attention.into_readout", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def into_readout(s: Array, a: Array, W: Array, b: Array) -> Array:
    """State and attention are joined, and go through the matrix as one."""
    return np.concatenate([s, a], axis=-1) @ W + b


@implements("attention.into_next_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def into_next_step(x: Array, a: Array) -> Array:
    """A copy."""
    return np.concatenate([x, a], axis=-1)


@implements("attention.into_next_layer", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def into_next_layer(s: Array, a: Array) -> Array:
    """A copy."""
    return np.concatenate([s, a], axis=-1)


@implements("attention.block_step", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def block_step(
    q: Array, k: Array, v: Array, top: Array, total: Array, o: Array, *, first: int, block: int
) -> tuple[Array, Array, Array]:
    """A slice of the keys."""
    keys, values = k[..., first : first + block, :], v[..., first : first + block, :]
    e = q @ transposed(keys) / q.dtype.type(math.sqrt(q.shape[-1]))
    top_next: Array = np.maximum(top, e.max(axis=-1))
    shrunk, p = np.exp(top - top_next), np.exp(e - top_next[..., None])
    return top_next, shrunk * total + p.sum(axis=-1), shrunk[..., None] * o + p @ values


@implements("attention.blocked", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def blocked(q: Array, k: Array, v: Array, *, block: int) -> Array:
    """One block after the other."""
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    rows = (*lead, q.shape[-2])
    top, total, o = np.full(rows, -np.inf, q.dtype), np.zeros(rows, q.dtype), np.zeros((*rows, v.shape[-1]), q.dtype)
    for first in range(0, k.shape[-2], block):
        top, total, o = block_step(q, k, v, top, total, o, first=first, block=block)
    result: Array = o / total[..., None]
    return result
