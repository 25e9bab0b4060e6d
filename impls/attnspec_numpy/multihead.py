"""Multi-head attention: heads side by side in the width, each attending on its own."""

from __future__ import annotations

import numpy as np

from attnspec import implements
from attnspec_numpy import attention as single
from attnspec_numpy import scores
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single


@implements("multihead.split", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def split(x: Array, *, heads: int) -> Array:
    """A view: head h has the columns h · d to (h + 1) · d."""
    *batch, t, width = x.shape
    return x.reshape(*batch, t, heads, width // heads).swapaxes(-2, -3)


@implements("multihead.concat", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def concat(x: Array) -> Array:
    """The inverse of split, and a copy."""
    *batch, heads, t, d = x.shape
    return x.swapaxes(-2, -3).reshape(*batch, t, heads * d)


@implements("multihead.attention", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attention(x_q: Array, x_kv: Array, W_q: Array, W_k: Array, W_v: Array, W_o: Array, *, heads: int) -> Array:
    """W_k, W_v, packed in that order, are one product; the heads are one more batch axis."""
    q, k, v = _projected(x_q, x_kv, W_q, W_k, W_v, heads)
    return concat(single.scaled_dot_product(q, k, v)) @ W_o


@implements("multihead.relu", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def relu(x_q: Array, x_kv: Array, W_q: Array, W_k: Array, W_v: Array, W_o: Array, *, heads: int) -> Array:
    """As attention, with relu for softmax."""
    q, k, v = _projected(x_q, x_kv, W_q, W_k, W_v, heads)
    return concat(single.relu_weights(scores.scaled_dot(q, k), v)) @ W_o


@implements("multihead.masked", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def masked(
    x_q: Array, x_kv: Array, W_q: Array, W_k: Array, W_v: Array, W_o: Array, mask: Array, *, heads: int
) -> Array:
    """As attention; one mask for all heads."""
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity in masked rows are no fault
        q, k, v = _projected(x_q, x_kv, W_q, W_k, W_v, heads)
        return concat(single.masked(q, k, v, mask[..., None, :, :])) @ W_o


@implements("multihead.causal", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def causal(x_q: Array, x_kv: Array, W_q: Array, W_k: Array, W_v: Array, W_o: Array, *, heads: int) -> Array:
    """As attention; the last query is at the last key."""
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity in later rows are no fault
        q, k, v = _projected(x_q, x_kv, W_q, W_k, W_v, heads)
        return concat(single.causal(q, k, v)) @ W_o


@implements("multihead.attention_biased", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def attention_biased(
    x_q: Array, x_kv: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array,
    b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    *, heads: int,
) -> Array:  # fmt: skip
    """As attention; the biases of k and v are packed too."""
    q, k, v = _projected_biased(x_q, x_kv, W_q, W_k, W_v, b_q, b_k, b_v, heads)
    return concat(single.scaled_dot_product(q, k, v)) @ W_o + b_o


@implements("multihead.self_attention_biased", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def self_attention_biased(
    x: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array,
    b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    *, heads: int,
) -> Array:  # fmt: skip
    """As attention_biased."""
    return attention_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, heads=heads)


@implements("multihead.masked_biased", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def masked_biased(
    x_q: Array, x_kv: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array,
    b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    mask: Array, *, heads: int,
) -> Array:  # fmt: skip
    """As attention_biased; one mask for all heads."""
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity in masked rows are no fault
        q, k, v = _projected_biased(x_q, x_kv, W_q, W_k, W_v, b_q, b_k, b_v, heads)
        return concat(single.masked(q, k, v, mask[..., None, :, :])) @ W_o + b_o


@implements("multihead.padded_biased", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def padded_biased(
    x_q: Array, x_kv: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array,
    b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    mask: Array, *, heads: int,
) -> Array:  # fmt: skip
    """As attention_biased; one mask for all heads and queries."""
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity in padding are no fault
        q, k, v = _projected_biased(x_q, x_kv, W_q, W_k, W_v, b_q, b_k, b_v, heads)
        return concat(single.padded(q, k, v, mask[..., None, :])) @ W_o + b_o


@implements("multihead.causal_biased", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def causal_biased(
    x_q: Array, x_kv: Array,
    W_q: Array, W_k: Array, W_v: Array, W_o: Array,
    b_q: Array, b_k: Array, b_v: Array, b_o: Array,
    *, heads: int,
) -> Array:  # fmt: skip
    """As attention_biased; the last query is at the last key."""
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity in later rows are no fault
        q, k, v = _projected_biased(x_q, x_kv, W_q, W_k, W_v, b_q, b_k, b_v, heads)
        return concat(single.causal(q, k, v)) @ W_o + b_o


@implements("multihead.queries", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def queries(q: Array, k: Array, v: Array) -> Array:
    """All queries at once; their contexts lie side by side already."""
    context = single.scaled_dot_product(q, k, v)
    return context.reshape(*context.shape[:-2], context.shape[-2] * context.shape[-1])


def _projected(x_q: Array, x_kv: Array, W_q: Array, W_k: Array, W_v: Array, heads: int) -> tuple[Array, Array, Array]:
    k, v = np.split(x_kv @ np.concatenate([W_k, W_v], axis=-1), 2, axis=-1)
    return split(x_q @ W_q, heads=heads), split(k, heads=heads), split(v, heads=heads)


def _projected_biased(
    x_q: Array, x_kv: Array, W_q: Array, W_k: Array, W_v: Array, b_q: Array, b_k: Array, b_v: Array, heads: int
) -> tuple[Array, Array, Array]:
    kv = x_kv @ np.concatenate([W_k, W_v], axis=-1) + np.concatenate([b_k, b_v])
    k, v = np.split(kv, 2, axis=-1)
    return split(x_q @ W_q + b_q, heads=heads), split(k, heads=heads), split(v, heads=heads)
