"""Self-attention, queries, keys and values from the same rows; cross-attention, the queries from others."""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import implements
from attnspec_torch import attention, scores
from attnspec_torch._functions import DTYPES


@implements("self_attention.qkv", framework="torch", dtypes=DTYPES)
def qkv(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """W_q, W_k, W_v, packed in that order, are one product."""
    q, k, v = _projected(x, W_q, W_k, W_v)
    return q, k, v


@implements("self_attention.scaled", framework="torch", dtypes=DTYPES)
def scaled(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """Q, K, V are one product; the rest is fused."""
    return attention.scaled_dot_product(*_projected(x, W_q, W_k, W_v))


@implements("self_attention.unscaled", framework="torch", dtypes=DTYPES)
def unscaled(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """Q, K, V are one product; the rest is fused, with scale 1."""
    return attention.dot_product(*_projected(x, W_q, W_k, W_v))


@implements("self_attention.relu", framework="torch", dtypes=DTYPES)
def relu(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """Q, K, V are one product."""
    q, k, v = _projected(x, W_q, W_k, W_v)
    return attention.relu_weights(scores.dot(q, k), v)


@implements("self_attention.relu_scaled", framework="torch", dtypes=DTYPES)
def relu_scaled(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """Q, K, V are one product."""
    q, k, v = _projected(x, W_q, W_k, W_v)
    return attention.relu_weights(scores.scaled_dot(q, k), v)


@implements("self_attention.additive", framework="torch", dtypes=DTYPES)
def additive(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, v_a: Tensor) -> Tensor:
    """The input is on both sides of the score."""
    return attention.additive(x, x, x @ W_v, W_q, W_k, v_a)


@implements("self_attention.columns", framework="torch", dtypes=DTYPES)
def columns(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """W_q, W_k, W_v, packed in that order, are one product from the left; the rest is fused on transposed views."""
    q, k, v = (torch.cat([W_q, W_k, W_v]) @ x).split_with_sizes([W.shape[0] for W in (W_q, W_k, W_v)], dim=-2)
    return attention.dot_product(q.mT, k.mT, v.mT).mT


@implements("self_attention.cross", framework="torch", dtypes=DTYPES)
def cross(x_q: Tensor, x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """K and V are one product; the rest is fused."""
    return attention.scaled_dot_product(x_q @ W_q, *_projected(x, W_k, W_v))


@implements("self_attention.cross_unscaled", framework="torch", dtypes=DTYPES)
def cross_unscaled(x_q: Tensor, x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """K and V are one product; the rest is fused, with scale 1."""
    return attention.dot_product(x_q @ W_q, *_projected(x, W_k, W_v))


@implements("self_attention.causal", framework="torch", dtypes=DTYPES)
def causal(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """Q, K, V are one product; the rest is fused."""
    return attention.causal(*_projected(x, W_q, W_k, W_v))


def _projected(x: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
    """x times each of the weights, as one product."""
    return (x @ torch.cat(weights, dim=-1)).split_with_sizes([W.shape[-1] for W in weights], dim=-1)


@implements("self_attention.stacked", framework="torch", dtypes=DTYPES)
def stacked(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    """One layer after the other."""
    for layer in zip(W_q, W_k, W_v, strict=True):
        x = scaled(x, *layer)
    return x
