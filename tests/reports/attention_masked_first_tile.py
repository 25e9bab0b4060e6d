"""A running maximum of −∞ after a first tile of masked keys makes the row NaN.

https://github.com/pytorch/pytorch/issues/109517
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.masked"
OPTIONS: dict[str, object] = {"framework": "torch"}


TILE = 64


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, guarded: bool) -> Tensor:
    wide = q.float() / q.shape[-1] ** 0.5
    top = torch.full((*mask.shape[:-1], 1), -torch.inf)
    total, out = torch.zeros_like(top), torch.zeros(*mask.shape[:-1], v.shape[-1])
    for at in range(0, k.shape[-2], TILE):
        keys = slice(at, at + TILE)
        e = torch.where(mask[..., keys], wide @ k[..., keys, :].float().mT, -torch.inf)
        new = torch.maximum(top, e.amax(-1, keepdim=True))
        base = torch.where(new == -torch.inf, 0.0, new) if guarded else new
        p, kept = torch.exp(e - base), torch.exp(top - base)
        total, out, top = total * kept + p.sum(-1, keepdim=True), out * kept + p @ v[..., keys, :].float(), new
    empty = ~mask.any(-1, keepdim=True)
    return torch.where(empty, 0.0, out / torch.where(empty, 1.0, total)).to(q.dtype)


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attention(q, k, v, mask, guarded=False)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attention(q, k, v, mask, guarded=True)
