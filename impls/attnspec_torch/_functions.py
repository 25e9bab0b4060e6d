"""Attention kernels that the families share: the fused one, and an exact one where masked values may be anything."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

DTYPES = ("float64", "float32", "float16", "bfloat16")


def fused(
    q: Tensor, k: Tensor, v: Tensor, *, scale: float, mask: Tensor | None = None, is_causal: bool = False
) -> Tensor:
    """softmax(scale · q kᵀ) v by PyTorch's kernel, which has float32 inside for the half types."""
    if 0 in (*q.shape, *k.shape, *v.shape):
        return (q @ k.mT * scale).softmax(dim=-1) @ v
    lifted = None if mask is None else _four_axes(mask)
    own_q, own_k, own_v = (_four_axes(_aligned(a)) for a in (q, k, v))
    out = F.scaled_dot_product_attention(own_q, own_k, own_v, attn_mask=lifted, is_causal=is_causal, scale=scale)
    return out.reshape(*q.shape[:-1], v.shape[-1])


def with_lead(*matrices: Tensor) -> tuple[Tensor, ...]:
    """Matrices with the batch axes of all of them, without a copy."""
    lead = torch.broadcast_shapes(*(a.shape[:-2] for a in matrices))  # type: ignore[no-untyped-call]  # it has no types
    return tuple(a.expand(*lead, *a.shape[-2:]) for a in matrices)


def _aligned(a: Tensor) -> Tensor:
    """Where it begins at 16 bytes: PyTorch's fused kernels on CUDA read that many at a time, and do not check it."""
    return a.clone() if a.is_cuda and a.data_ptr() % 16 else a


def _four_axes(a: Tensor) -> Tensor:
    """The fast kernels want (batch, heads, rows, width); with any other number of axes PyTorch takes a slow one."""
    if a.dim() < 4:
        return a.reshape(*a.shape[:-2], *[1] * (4 - a.dim()), *a.shape[-2:])
    return a.flatten(0, -4)


def tame(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether no score and no sum of values can overflow; only then can no masked pair show in the fused kernel.

    It adds -inf to masked scores and multiplies masked values by 0, and inf - inf and 0 · inf are NaN. On the meta
    device there are no values.
    """
    if q.is_meta or 0 in (*q.shape, *k.shape, *v.shape):
        return True
    limit = torch.finfo(torch.promote_types(q.dtype, torch.float32)).max
    largest_q, largest_k, largest_v = torch.stack([a.detach().abs().amax() for a in (q, k, v)]).double().tolist()
    return bool(largest_q * largest_k * q.shape[-1] < limit and largest_v * v.shape[-2] < limit)


def exact(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, some: Tensor) -> Tensor:
    """Masked attention, step by step: masked scores are replaced, and masked values kept out of the sum."""
    storage, inside = q.dtype, torch.promote_types(q.dtype, torch.float32)
    q, k, v = q.to(inside), k.to(inside), v.to(inside)
    e = q @ k.mT / math.sqrt(k.shape[-1])
    hidden = torch.zeros_like(some, dtype=inside).masked_fill(some, -math.inf)
    alpha = torch.where(mask, torch.where(mask, e, hidden).softmax(dim=-1), 0)
    return _seen_sum(alpha, v, mask).to(storage)


def _seen_sum(alpha: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """alpha @ v, but a masked value never shows, not even as 0 · NaN; a row that sees one still gets it.

    The finite values are one product. The keys with NaN or infinity, few if any, are added pair by pair.
    """
    finite = v.isfinite()
    odd = (~finite).any(dim=-1).reshape(-1, v.shape[-2]).any(dim=0).nonzero().squeeze(-1)
    strays = torch.where(finite, 0, v).unsqueeze(-3)[..., odd, :]
    seen = torch.where(mask[..., odd].unsqueeze(-1), strays, 0)
    return alpha @ torch.where(finite, v, 0) + (alpha[..., odd].unsqueeze(-1) * seen).sum(dim=-2)
