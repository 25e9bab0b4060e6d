"""Attention: weights from scores, sums of values by weights, and the two as one."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from attnspec import implements
from attnspec_torch import scores
from attnspec_torch._functions import DTYPES, exact, fused, tame


@implements("attention.weights", framework="torch", dtypes=DTYPES)
def weights(e: Tensor) -> Tensor:
    """PyTorch's softmax, which subtracts each row's largest score."""
    return e.softmax(dim=-1)


@implements("attention.context_vector", framework="torch", dtypes=DTYPES)
def context_vector(alpha: Tensor, h: Tensor) -> Tensor:
    """One product."""
    return alpha @ h


@implements("attention.value_map", framework="torch", dtypes=DTYPES)
def value_map(alpha: Tensor, h: Tensor, W_v: Tensor) -> Tensor:
    """The states are mapped, then one product."""
    return alpha @ (h @ W_v)


@implements("attention.soft", framework="torch", dtypes=DTYPES)
def soft(q: Tensor, x: Tensor) -> Tensor:
    """Fused, unscaled; the inputs are keys and values at once."""
    return fused(q, x, x, scale=1.0)


@implements("attention.learned_query", framework="torch", dtypes=DTYPES)
def learned_query(x: Tensor, q: Tensor) -> Tensor:
    """Fused, unscaled; the inputs are keys and values at once."""
    return fused(q, x, x, scale=1.0)


@implements("attention.key_value", framework="torch", dtypes=DTYPES)
def key_value(e: Tensor, v: Tensor) -> Tensor:
    """The weights once, then one product."""
    return e.softmax(dim=-1) @ v


@implements("attention.hard", framework="torch", dtypes=DTYPES)
def hard(e: Tensor, v: Tensor) -> Tensor:
    """The places, which PyTorch takes from the first on a tie, then the values there: nothing is computed."""
    return torch.take_along_dim(v, e.argmax(dim=-1, keepdim=True), dim=-2)


@implements("attention.relu_weights", framework="torch", dtypes=DTYPES)
def relu_weights(e: Tensor, v: Tensor) -> Tensor:
    """The weights once, then one product."""
    return e.relu() @ v


@implements("attention.linear_weights", framework="torch", dtypes=DTYPES)
def linear_weights(e: Tensor, v: Tensor) -> Tensor:
    """One product."""
    return e @ v


@implements("attention.dot_product", framework="torch", dtypes=DTYPES)
def dot_product(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Fused, with scale 1."""
    return fused(q, k, v, scale=1.0)


@implements("attention.scaled_dot_product", framework="torch", dtypes=DTYPES)
def scaled_dot_product(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Fused."""
    return fused(q, k, v, scale=_scale(k))  #: e, alpha


@implements("attention.bilinear", framework="torch", dtypes=DTYPES)
def bilinear(q: Tensor, k: Tensor, v: Tensor, W: Tensor) -> Tensor:
    """The queries are mapped to the keys' width, then fused with scale 1."""
    return fused(q @ W, k, v, scale=1.0)


@implements("attention.additive", framework="torch", dtypes=DTYPES)
def additive(q: Tensor, k: Tensor, v: Tensor, W: Tensor, U: Tensor, v_a: Tensor) -> Tensor:
    """The scores come a few queries at a time, see scores.additive."""
    return scores.additive(q, k, W, U, v_a).softmax(dim=-1) @ v


@implements("attention.masked", framework="torch", dtypes=DTYPES)
def masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Fused where nothing can overflow, which is asked of the data; else step by step, see exact.

    A row with nothing to look at is given everything, and then 0, so that its gradient is 0 and not NaN. A key that
    no query sees is 0 from the start, so that NaN in padding stays out of the gradient too.
    """
    some = mask.any(dim=-1, keepdim=True)
    seen = mask.any(dim=-2).unsqueeze(-1)
    k, v = torch.where(seen, k, 0), torch.where(seen, v, 0)
    if tame(q, k, v):
        return torch.where(some, fused(q, k, v, scale=_scale(k), mask=mask | ~some), 0)
    return exact(q, k, v, mask, some)


@implements("attention.masked_empty_is_nan", framework="torch", dtypes=DTYPES)
def masked_empty_is_nan(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Scores of masked pairs are −∞; the softmax of nothing else is NaN."""
    e = scores.scaled_dot(q, k).masked_fill(~mask, -math.inf)
    return e.softmax(dim=-1) @ v


@implements("attention.padded", framework="torch", dtypes=DTYPES)
def padded(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Masked, with one row of the mask for all queries."""
    return masked(q, k, v, mask.unsqueeze(-2))


@implements("attention.causal", framework="torch", dtypes=DTYPES)
def causal(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The last query is at the last key. Fused without a mask where n = m, else masked."""
    return _triangular(q, k, v, shift=k.shape[-2] - q.shape[-2])


@implements("attention.causal_top_left", framework="torch", dtypes=DTYPES)
def causal_top_left(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The first query is at the first key. Fused without a mask where n = m, else masked."""
    return _triangular(q, k, v, shift=0)


@implements("attention.with_lse", framework="torch", dtypes=DTYPES)
def with_lse(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """PyTorch's fused kernels keep the logarithm to themselves: the scores are held, in float32 for the half types."""
    inside = torch.promote_types(q.dtype, torch.float32)
    e = q.to(inside) @ k.to(inside).mT * _scale(k)
    lse = e.logsumexp(dim=-1)
    return (e.softmax(dim=-1) @ v.to(inside)).to(q.dtype), lse.to(q.dtype)


@implements("attention.merge", framework="torch", dtypes=DTYPES)
def merge(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    """The softmax of two, from the difference of the two logarithms, which is small where they are large.

    In float32 for the half types. Where neither part has keys the difference is taken as 0, and the output too.
    """
    inside = torch.promote_types(o_1.dtype, torch.float32)
    first, second = lse_1.to(inside), lse_2.to(inside)
    none = first.isneginf() & second.isneginf()
    alpha = torch.stack([first, second], dim=-1).masked_fill(none.unsqueeze(-1), 0).softmax(dim=-1)
    o = alpha[..., :1] * o_1 + alpha[..., 1:] * o_2
    return o.masked_fill(none.unsqueeze(-1), 0).to(o_1.dtype), torch.logaddexp(first, second).to(lse_1.dtype)


@implements("attention.incremental", framework="torch", dtypes=DTYPES)
def incremental(q: Tensor, k_new: Tensor, v_new: Tensor, K: Tensor, V: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Stored by copying; who steps often keeps room behind the rows instead. Then fused, for one query."""
    K_next, V_next = _appended(K, k_new), _appended(V, v_new)
    return fused(q.unsqueeze(-2), K_next, V_next, scale=_scale(K)).squeeze(-2), K_next, V_next


@implements("attention.layer_readout", framework="torch", dtypes=DTYPES)
def layer_readout(c: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """The bias is added inside the product; then PyTorch's softmax."""
    return F.linear(c, W.mT, b).softmax(dim=-1)


@implements("attention.into_readout", framework="torch", dtypes=DTYPES)
def into_readout(s: Tensor, a: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """State and attention are joined, and go through the matrix as one; the bias is added inside the product."""
    return F.linear(torch.cat([s, a], dim=-1), W.mT, b)


@implements("attention.into_next_step", framework="torch", dtypes=DTYPES)
def into_next_step(x: Tensor, a: Tensor) -> Tensor:
    """A copy."""
    return torch.cat([x, a], dim=-1)


@implements("attention.into_next_layer", framework="torch", dtypes=DTYPES)
def into_next_layer(s: Tensor, a: Tensor) -> Tensor:
    """A copy."""
    return torch.cat([s, a], dim=-1)


def _triangular(q: Tensor, k: Tensor, v: Tensor, *, shift: int) -> Tensor:
    """Query i sees key j <= i + shift."""
    n, m = q.shape[-2], k.shape[-2]
    if n == m and tame(q, k, v):
        return fused(q, k, v, scale=_scale(k), is_causal=True)
    return masked(q, k, v, torch.ones(n, m, dtype=torch.bool, device=q.device).tril(shift))


def _appended(rows: Tensor, row: Tensor) -> Tensor:
    """One more row; the batch axes of either are those of both."""
    lead = torch.broadcast_shapes(rows.shape[:-2], row.shape[:-1])  # type: ignore[no-untyped-call]  # PyTorch has no type
    last = row.unsqueeze(-2)
    return torch.cat([part.expand(*lead, *part.shape[-2:]) for part in (rows, last)], dim=-2)


def _scale(k: Tensor) -> float:
    return 1 / math.sqrt(max(k.shape[-1], 1))


@implements("attention.block_step", framework="torch", dtypes=DTYPES)
def block_step(
    q: Tensor, k: Tensor, v: Tensor, top: Tensor, total: Tensor, o: Tensor, *, first: int, block: int
) -> tuple[Tensor, Tensor, Tensor]:
    """A slice of the keys; sums are kept in float32 at least."""
    keys, values = k[..., first : first + block, :], v[..., first : first + block, :]
    e = (q @ keys.mT).to(_wide(q)) / math.sqrt(q.shape[-1])
    top_next = torch.maximum(top.to(e.dtype), e.amax(-1))
    shrunk, p = (top - top_next).exp(), (e - top_next[..., None]).exp()
    total_next = shrunk * total + p.sum(-1)
    o_next = shrunk[..., None] * o + p @ values.to(e.dtype)
    return top_next.to(q.dtype), total_next.to(q.dtype), o_next.to(q.dtype)


@implements("attention.blocked", framework="torch", dtypes=DTYPES)
def blocked(q: Tensor, k: Tensor, v: Tensor, *, block: int) -> Tensor:
    """One block after the other, all in float32 at least."""
    wide = _wide(q)
    rows = (q[..., :1] @ k[..., :1, :1].mT)[..., 0].shape  # with every batch axis
    top = torch.full(rows, -math.inf, dtype=wide, device=q.device)
    total = torch.zeros(rows, dtype=wide, device=q.device)
    o = torch.zeros((*rows, v.shape[-1]), dtype=wide, device=q.device)
    for first in range(0, k.shape[-2], block):
        top, total, o = block_step(q.to(wide), k.to(wide), v.to(wide), top, total, o, first=first, block=block)
    return (o / total[..., None]).to(q.dtype)


def _wide(a: Tensor) -> torch.dtype:
    return torch.promote_types(a.dtype, torch.float32)
