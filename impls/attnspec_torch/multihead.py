"""Multi-head attention: heads side by side in the width, each attending on its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from attnspec import implements
from attnspec_torch import attention as single
from attnspec_torch import scores
from attnspec_torch._functions import DTYPES


@implements("multihead.split", framework="torch", dtypes=DTYPES)
def split(x: Tensor, *, heads: int) -> Tensor:
    """A view: head h has the columns h · d to (h + 1) · d."""
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(-2, -3)


@implements("multihead.concat", framework="torch", dtypes=DTYPES)
def concat(x: Tensor) -> Tensor:
    """The inverse of split."""
    return x.transpose(-2, -3).flatten(-2)


@implements("multihead.attention", framework="torch", dtypes=DTYPES)
def attention(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    """W_k, W_v, packed in that order, are one product; the heads are one more batch axis of the fused kernel."""
    return concat(single.scaled_dot_product(*_projected(x_q, x_kv, W_q, W_k, W_v, heads))) @ W_o


@implements("multihead.relu", framework="torch", dtypes=DTYPES)
def relu(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    """As attention, with relu for softmax."""
    q, k, v = _projected(x_q, x_kv, W_q, W_k, W_v, heads)
    return concat(single.relu_weights(scores.scaled_dot(q, k), v)) @ W_o


@implements("multihead.masked", framework="torch", dtypes=DTYPES)
def masked(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, mask: Tensor, *, heads: int
) -> Tensor:
    """As attention; one mask for all heads."""
    q, k, v = _projected(x_q, x_kv, W_q, W_k, W_v, heads)
    return concat(single.masked(q, k, v, mask.unsqueeze(-3))) @ W_o


@implements("multihead.causal", framework="torch", dtypes=DTYPES)
def causal(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    """As attention; the last query is at the last key."""
    return concat(single.causal(*_projected(x_q, x_kv, W_q, W_k, W_v, heads))) @ W_o


@implements("multihead.attention_biased", framework="torch", dtypes=DTYPES)
def attention_biased(
    x_q: Tensor, x_kv: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    *, heads: int,
) -> Tensor:  # fmt: skip
    """As attention; the biases of k and v are packed too, and each bias is added inside its product."""
    q, k, v = _projected_biased(x_q, x_kv, W_q, W_k, W_v, b_q, b_k, b_v, heads)
    return F.linear(concat(single.scaled_dot_product(q, k, v)), W_o.mT, b_o)


@implements("multihead.self_attention_biased", framework="torch", dtypes=DTYPES)
def self_attention_biased(
    x: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    *, heads: int,
) -> Tensor:  # fmt: skip
    """As attention_biased."""
    return attention_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, heads=heads)


@implements("multihead.masked_biased", framework="torch", dtypes=DTYPES)
def masked_biased(
    x_q: Tensor, x_kv: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    mask: Tensor, *, heads: int,
) -> Tensor:  # fmt: skip
    """As attention_biased; one mask for all heads."""
    q, k, v = _projected_biased(x_q, x_kv, W_q, W_k, W_v, b_q, b_k, b_v, heads)
    return F.linear(concat(single.masked(q, k, v, mask.unsqueeze(-3))), W_o.mT, b_o)


@implements("multihead.padded_biased", framework="torch", dtypes=DTYPES)
def padded_biased(
    x_q: Tensor, x_kv: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    mask: Tensor, *, heads: int,
) -> Tensor:  # fmt: skip
    """As attention_biased; one mask for all heads and queries."""
    q, k, v = _projected_biased(x_q, x_kv, W_q, W_k, W_v, b_q, b_k, b_v, heads)
    return F.linear(concat(single.padded(q, k, v, mask.unsqueeze(-2))), W_o.mT, b_o)


@implements("multihead.causal_biased", framework="torch", dtypes=DTYPES)
def causal_biased(
    x_q: Tensor, x_kv: Tensor,
    W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor,
    b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    *, heads: int,
) -> Tensor:  # fmt: skip
    """As attention_biased; the last query is at the last key."""
    q, k, v = _projected_biased(x_q, x_kv, W_q, W_k, W_v, b_q, b_k, b_v, heads)
    return F.linear(concat(single.causal(q, k, v)), W_o.mT, b_o)


@implements("multihead.queries", framework="torch", dtypes=DTYPES)
def queries(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """All queries at once; their contexts lie side by side already."""
    return single.scaled_dot_product(q, k, v).flatten(-2)


def _projected(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, heads: int
) -> tuple[Tensor, Tensor, Tensor]:
    k, v = (x_kv @ torch.cat([W_k, W_v], dim=-1)).chunk(2, dim=-1)
    return split(x_q @ W_q, heads=heads), split(k, heads=heads), split(v, heads=heads)


def _projected_biased(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, heads: int
) -> tuple[Tensor, Tensor, Tensor]:
    q = F.linear(x_q, W_q.mT, b_q)
    k, v = F.linear(x_kv, torch.cat([W_k, W_v], dim=-1).mT, torch.cat([b_k, b_v])).chunk(2, dim=-1)
    return split(q, heads=heads), split(k, heads=heads), split(v, heads=heads)
