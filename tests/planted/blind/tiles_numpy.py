"""Attention in NumPy, tile by tile and fused, as kernels are prototyped."""

import math
from functools import partial

import numpy as np

from attnspec import implements

of = partial(implements, framework="numpy")


def each(kernel, *arrays):
    """The kernel on each example of a batch."""
    lead = np.broadcast_shapes(*(a.shape[:-2] for a in arrays))
    count = math.prod(lead)
    flat = [np.broadcast_to(a, lead + a.shape[-2:]).reshape(count, *a.shape[-2:]) for a in arrays]
    done = [kernel(*one) for one in zip(*flat, strict=True)]
    n, e = arrays[0].shape[-2], arrays[2].shape[-1]
    return (np.stack(done) if done else np.zeros((0, n, e), arrays[0].dtype)).reshape(*lead, n, e)


@of("attention.scaled_dot_product")
def flash(q, k, v):
    """Right: running maximum and sums over tiles of 32 keys."""

    def kernel(q, k, v):
        top = np.full((len(q), 1), -np.inf, q.dtype)
        total, o = np.zeros_like(top), np.zeros((len(q), v.shape[1]), q.dtype)
        for j in range(0, len(k), 32):
            s = q @ k[j : j + 32].T / np.sqrt(q.dtype.type(q.shape[1]))
            new = np.maximum(top, s.max(1, keepdims=True))
            p, shrink = np.exp(s - new), np.exp(top - new)
            total, o, top = shrink * total + p.sum(1, keepdims=True), shrink * o + p @ v[j : j + 32], new
        return o / total if len(k) else o

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_no_shrink_o(q, k, v):
    """Wrong: when a larger maximum comes, the sum is rescaled but the output so far is not."""

    def kernel(q, k, v):
        top = np.full((len(q), 1), -np.inf, q.dtype)
        total, o = np.zeros_like(top), np.zeros((len(q), v.shape[1]), q.dtype)
        for j in range(0, len(k), 16):
            s = q @ k[j : j + 16].T / np.sqrt(q.dtype.type(q.shape[1]))
            new = np.maximum(top, s.max(1, keepdims=True))
            p, shrink = np.exp(s - new), np.exp(top - new)
            total, o, top = shrink * total + p.sum(1, keepdims=True), o + p @ v[j : j + 16], new
        return o / total if len(k) else o

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_last_tile(q, k, v):
    """Wrong: if the last tile of 24 keys is not full, it is not read, unless it is the only one."""

    def kernel(q, k, v):
        m = len(k)
        m = m if m < 24 else m - m % 24
        s = q @ k[:m].T / np.sqrt(q.dtype.type(q.shape[1]))
        p = np.exp(s - s.max(1, keepdims=True, initial=-np.inf))
        return p @ v[:m] / p.sum(1, keepdims=True) if m else p @ v

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_query_tile(q, k, v):
    """Wrong: queries run in tiles of 48; rows behind the last full tile come out as 0."""

    def kernel(q, k, v):
        o = np.zeros((len(q), v.shape[1]), q.dtype)
        n = len(q) - len(q) % 48 if len(q) > 48 else len(q)
        s = q[:n] @ k.T / np.sqrt(q.dtype.type(q.shape[1]))
        p = np.exp(s - s.max(1, keepdims=True, initial=-np.inf))
        o[:n] = p @ v / p.sum(1, keepdims=True) if len(k) else 0
        return o

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_padding_counts(q, k, v):
    """Wrong: the last tile of 16 keys is padded with zero keys, whose scores of 0 count in the sum."""

    def kernel(q, k, v):
        if not len(k):
            return q @ k.T @ v
        pad = -len(k) % 16
        s = q @ k.T / np.sqrt(q.dtype.type(q.shape[1]))
        s = np.pad(s, ((0, 0), (0, pad)))
        p = np.exp(s - s.max(1, keepdims=True))
        return p[:, : len(k)] @ v / p.sum(1, keepdims=True)

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_overlap(q, k, v):
    """Wrong: tiles of 32 keys overlap by one, the first key of each further tile counts twice."""

    def kernel(q, k, v):
        if not len(k):
            return q @ k.T @ v
        rows = np.concatenate([np.arange(j if j == 0 else j - 1, min(j + 32, len(k))) for j in range(0, len(k), 32)])
        s = q @ k[rows].T / np.sqrt(q.dtype.type(q.shape[1]))
        p = np.exp(s - s.max(1, keepdims=True))
        return p @ v[rows] / p.sum(1, keepdims=True)

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_old_top(q, k, v):
    """Wrong: the exponentials of a tile are taken relative to the maximum before it, not the new one."""

    def kernel(q, k, v):
        if not len(k):
            return q @ k.T @ v
        top = (q @ k[:20].T / np.sqrt(q.dtype.type(q.shape[1]))).max(1, keepdims=True)
        total, o = np.zeros_like(top), np.zeros((len(q), v.shape[1]), q.dtype)
        for j in range(0, len(k), 20):
            s = q @ k[j : j + 20].T / np.sqrt(q.dtype.type(q.shape[1]))
            new = np.maximum(top, s.max(1, keepdims=True))
            with np.errstate(over="ignore"):
                p, shrink = np.exp(s - top), np.exp(top - new)
            total, o, top = shrink * total + p.sum(1, keepdims=True), shrink * o + p @ v[j : j + 20], new
        return o / total

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_tile_mean(q, k, v):
    """Wrong: each tile of 40 keys is normalised by itself, and the tiles are averaged."""

    def kernel(q, k, v):
        if not len(k):
            return q @ k.T @ v
        parts = []
        for j in range(0, len(k), 40):
            s = q @ k[j : j + 40].T / np.sqrt(q.dtype.type(q.shape[1]))
            p = np.exp(s - s.max(1, keepdims=True))
            parts.append(p @ v[j : j + 40] / p.sum(1, keepdims=True))
        return sum(parts) / q.dtype.type(len(parts))

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_no_maximum(q, k, v):
    """Wrong: exp of the raw scores, without the maximum taken off, so that large scores overflow."""

    def kernel(q, k, v):
        with np.errstate(over="ignore", invalid="ignore"):
            p = np.exp(q @ k.T / np.sqrt(q.dtype.type(q.shape[1])))
            return p @ v / p.sum(1, keepdims=True) if len(k) else p @ v

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_global_max(q, k, v):
    """Wrong: the maximum of the whole matrix is taken off, so that rows with low scores underflow to 0/0."""

    def kernel(q, k, v):
        if not q.size or not k.size:
            return q @ k.T @ v
        s = q @ k.T / np.sqrt(q.dtype.type(q.shape[1]))
        with np.errstate(invalid="ignore"):
            p = np.exp(s - s.max())
            return p @ v / p.sum(1, keepdims=True)

    return each(kernel, q, k, v)


@of("attention.scaled_dot_product")
def flash_max_from_zero(q, k, v):
    """Wrong: the running maximum starts from 0 instead of minus infinity: very negative rows give 0/0."""

    def kernel(q, k, v):
        if not len(k):
            return q @ k.T @ v
        s = q @ k.T / np.sqrt(q.dtype.type(q.shape[1]))
        with np.errstate(invalid="ignore"):
            p = np.exp(s - s.max(1, keepdims=True, initial=0))
            return p @ v / p.sum(1, keepdims=True)

    return each(kernel, q, k, v)


@of("attention.causal")
def causal_tiles(q, k, v):
    """Wrong: tiles of 8 keys that a query sees in part are shown whole: it sees to the end of its tile."""

    def kernel(q, k, v):
        n, m = len(q), len(k)
        i, j = np.arange(n)[:, None] + (m - n), np.arange(m)
        s = np.where(j // 8 <= i // 8, q @ k.T / np.sqrt(q.dtype.type(q.shape[1])), -np.inf)
        s = np.where(i < 0, -np.inf, s)
        top = s.max(1, keepdims=True, initial=-np.inf)
        p = np.exp(s - np.where(np.isfinite(top), top, 0))
        total = p.sum(1, keepdims=True)
        return p @ v / np.where(total > 0, total, 1)

    return each(kernel, q, k, v)


@of("attention.causal")
def causal_skip(q, k, v):
    """Wrong: the loop over tiles of 16 keys stops one tile early: the diagonal tile is skipped, except the first."""

    def kernel(q, k, v):
        n, m = len(q), len(k)
        i, j = np.arange(n)[:, None] + (m - n), np.arange(m)
        seen = (j <= i) & ((j // 16 < i // 16) | (i < 16))
        s = np.where(seen, q @ k.T / np.sqrt(q.dtype.type(q.shape[1])), -np.inf)
        top = s.max(1, keepdims=True, initial=-np.inf)
        p = np.exp(s - np.where(np.isfinite(top), top, 0))
        total = p.sum(1, keepdims=True)
        return p @ v / np.where(total > 0, total, 1)

    return each(kernel, q, k, v)


@of("attention.masked")
def masked_first_tile(q, k, v, mask):
    """Wrong: a first tile of 16 keys that is wholly masked gives exp(-inf + inf) = NaN, which stays."""

    def kernel(q, k, v, mask):
        top = np.full((len(q), 1), -np.inf, q.dtype)
        total, o = np.zeros_like(top), np.zeros((len(q), v.shape[1]), q.dtype)
        for j in range(0, len(k), 16):
            s = np.where(mask[:, j : j + 16], q @ k[j : j + 16].T / np.sqrt(q.dtype.type(q.shape[1])), -np.inf)
            new = np.maximum(top, s.max(1, keepdims=True))
            with np.errstate(invalid="ignore"):
                p, shrink = np.exp(s - new), np.exp(top - new)
            total, o, top = shrink * total + p.sum(1, keepdims=True), shrink * o + p @ v[j : j + 16], new
        o = np.where(mask.any(1, keepdims=True), o, 0)
        return o / np.where(mask.any(1, keepdims=True), total, 1)

    return each(kernel, q, k, v, mask)


@of("attention.masked")
def masked_break(q, k, v, mask):
    """Wrong: the loop over tiles of 16 keys ends at the first tile in which the mask hides everything."""

    def kernel(q, k, v, mask):
        mask = mask.copy()
        for j in range(0, len(k), 16):
            if not mask[:, j : j + 16].any():
                mask[:, j:] = False
                break
        s = np.where(mask, q @ k.T / np.sqrt(q.dtype.type(q.shape[1])), -np.inf)
        top = s.max(1, keepdims=True, initial=-np.inf)
        p = np.exp(s - np.where(np.isfinite(top), top, 0))
        total = p.sum(1, keepdims=True)
        return p @ v / np.where(total > 0, total, 1)

    return each(kernel, q, k, v, mask)


@of("attention.block_step")
def block_first_ignored(q, k, v, top, total, o, *, first, block):
    """Wrong: the block starts at 0, `first` is ignored."""
    s = q @ np.swapaxes(k[..., :block, :], -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    high = s.max(-1, initial=-np.inf)
    new = np.maximum(top, high)
    with np.errstate(invalid="ignore"):
        p, shrink = np.exp(s - new[..., None]), np.exp(top - new)
    return new, shrink * total + p.sum(-1), shrink[..., None] * o + p @ v[..., :block, :]


@of("attention.block_step")
def block_high(q, k, v, top, total, o, *, first, block):
    """Wrong: the maximum handed on is that of this block alone, not the larger of it and the one before."""
    stop = min(first + block, k.shape[-2])
    s = q @ np.swapaxes(k[..., first:stop, :], -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    new = s.max(-1, initial=-np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        p, shrink = np.exp(s - new[..., None]), np.exp(top - new)
    return new, shrink * total + p.sum(-1), shrink[..., None] * o + p @ v[..., first:stop, :]


@of("attention.blocked")
def blocked_by_mean(q, k, v, *, block):
    """Wrong: the output is divided by the sum of the last block alone."""
    m = k.shape[-2]
    s = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    p = np.exp(s - s.max(-1, keepdims=True, initial=-np.inf))
    last = (m - 1) // block * block if m else 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return p @ v / p[..., last:].sum(-1, keepdims=True)


@of("scores.dot")
def dot_unrolled(q, k):
    """Wrong: a loop unrolled by 8 over d misses the remainder, unless d is less than 8."""
    d = q.shape[-1]
    d = d if d < 8 else d - d % 8
    return q[..., :d] @ np.swapaxes(k[..., :d], -1, -2)


@of("scores.scaled_dot")
def scaled_int_root(q, k):
    """Wrong: the root of d is rounded down to a whole number."""
    return q @ np.swapaxes(k, -1, -2) / q.dtype.type(int(np.sqrt(q.shape[-1])))


@of("scores.dot")
def dot_buffer(q, k):
    """Wrong: the result lives in a buffer that is kept between calls of one shape, earlier answers change."""
    e = q @ np.swapaxes(k, -1, -2)
    kept = BUFFERS.setdefault((e.shape, e.dtype), np.empty_like(e))
    kept[...] = e
    return kept


BUFFERS = {}


@of("scores.additive")
def additive_loop(s, h, W, U, v_a):
    """Wrong: a loop over the hidden layer leaves its first unit out (range(1, a)), unless it is the only one."""
    a = v_a.shape[-1]
    left, right = s @ W, h @ U
    e = np.zeros((*left.shape[:-1], right.shape[-2]), left.dtype)
    for u in range(1 if a > 1 else 0, a):
        e = e + np.tanh(left[..., :, None, u] + right[..., None, :, u]) * v_a[..., u, None, None]
    return e


@of("attention.linear_weights")
def linear_weights_abs(e, v):
    """Wrong: the scores are divided by the sum of their absolute values."""
    total = np.abs(e).sum(-1, keepdims=True)
    return e / np.where(total > 0, total, 1) @ v


@of("attention.context_vector")
def context_l1(α, h):
    """Wrong: the weights are normalised again by their sum, though they need not sum to 1."""
    total = α.sum(-1, keepdims=True)
    return α / np.where(total == 0, 1, total) @ h


@of("attention.weights")
def weights_in_place(e):
    """Wrong: the scores are overwritten by their exponentials, in the caller's array."""
    e -= e.max(-1, keepdims=True, initial=-np.inf)
    np.exp(e, out=e)
    return e / e.sum(-1, keepdims=True)


@of("attention.weights")
def weights_table(e):
    """Wrong: exp is computed by (1 + x/256)^256, a fast approximation."""
    x = e - e.max(-1, keepdims=True, initial=-np.inf)
    p = np.maximum(1 + x / 256, 0) ** 256
    return p / p.sum(-1, keepdims=True)


@of("attention.weights")
def weights_even(e):
    """Wrong: with an odd number of keys, the last weight is that of the key before it (a vector load off by one)."""
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    p = p / p.sum(-1, keepdims=True)
    if e.shape[-1] % 2 and e.shape[-1] > 1:
        p[..., -1] = p[..., -2]
    return p
