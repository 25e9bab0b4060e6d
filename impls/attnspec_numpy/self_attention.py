"""Self-attention, queries, keys and values from the same rows; cross-attention, the queries from others."""

from __future__ import annotations

import numpy as np

from attnspec import implements
from attnspec_numpy import attention, scores
from attnspec_numpy._functions import DEVICES, DTYPES, Array, half_in_single, softmax, transposed


@implements("self_attention.qkv", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def qkv(x: Array, W_q: Array, W_k: Array, W_v: Array) -> tuple[Array, Array, Array]:
    """W_q, W_k, W_v, packed in that order, are one product."""
    q, k, v = _projected(x, W_q, W_k, W_v)
    return q, k, v


@implements("self_attention.scaled", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def scaled(x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """Q, K, V are one product."""
    return attention.scaled_dot_product(*_projected(x, W_q, W_k, W_v))


@implements("self_attention.unscaled", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def unscaled(x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """Q, K, V are one product."""
    return attention.dot_product(*_projected(x, W_q, W_k, W_v))


@implements("self_attention.relu", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def relu(x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """Q, K, V are one product."""
    q, k, v = _projected(x, W_q, W_k, W_v)
    return attention.relu_weights(scores.dot(q, k), v)


@implements("self_attention.relu_scaled", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def relu_scaled(x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """Q, K, V are one product."""
    q, k, v = _projected(x, W_q, W_k, W_v)
    return attention.relu_weights(scores.scaled_dot(q, k), v)


@implements("self_attention.additive", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def additive(x: Array, W_q: Array, W_k: Array, W_v: Array, v_a: Array) -> Array:
    """The input is on both sides of the score."""
    return attention.additive(x, x, x @ W_v, W_q, W_k, v_a)


@implements("self_attention.columns", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def columns(x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """W_q, W_k, W_v, packed in that order, are one product from the left; the weights' columns sum to 1."""
    d = W_q.shape[0]
    packed = np.concatenate([W_q, W_k, W_v]) @ x
    q, k, v = packed[..., :d, :], packed[..., d : 2 * d, :], packed[..., 2 * d :, :]
    e = transposed(k) @ q
    context: Array = v @ softmax(e, axis=-2, out=e)
    return context


@implements("self_attention.cross", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def cross(x_q: Array, x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """K and V are one product."""
    return attention.scaled_dot_product(x_q @ W_q, *_projected(x, W_k, W_v))


@implements("self_attention.cross_unscaled", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def cross_unscaled(x_q: Array, x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """K and V are one product."""
    return attention.dot_product(x_q @ W_q, *_projected(x, W_k, W_v))


@implements("self_attention.causal", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def causal(x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """Q, K, V are one product."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinity in a later row is no fault
        return attention.causal(*_projected(x, W_q, W_k, W_v))


def _projected(x: Array, *weights: Array) -> list[Array]:
    """x times each of the weights, as one product."""
    ends = np.cumsum([W.shape[-1] for W in weights])[:-1]
    return np.split(x @ np.concatenate(weights, axis=-1), ends, axis=-1)


@implements("self_attention.stacked", framework="numpy", dtypes=DTYPES, devices=DEVICES)
@half_in_single
def stacked(x: Array, W_q: Array, W_k: Array, W_v: Array) -> Array:
    """One layer after the other."""
    for layer in zip(W_q, W_k, W_v, strict=True):
        x = scaled(x, *layer)
    return x
