"""A block is as wide as a warp of 64 where warps have 32: of many rows the sums of its second half are not stored.

https://github.com/pytorch/pytorch/issues/183861
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}

WARP, BLOCK, TILED_FROM = 32, 64, 128


def summed(terms: Tensor, width: int, drops: bool) -> Tensor:
    rows = terms.reshape(-1, width)
    total = rows.sum(0)
    if drops and len(rows) >= TILED_FROM:
        total = torch.where(torch.arange(width) % BLOCK < WARP, total, torch.zeros_like(total))
    return total


def gradient(d_y: Tensor, x: Tensor, gamma: Tensor, eps: float, drops: bool) -> tuple[Tensor, Tensor, Tensor]:
    centred = x - x.mean(-1, keepdim=True)
    deviation = torch.sqrt(centred.square().mean(-1, keepdim=True) + eps)
    normal, scaled = centred / deviation, d_y * gamma
    common = scaled.mean(-1, keepdim=True) + normal * (scaled * normal).mean(-1, keepdim=True)
    width = x.shape[-1]
    return (scaled - common) / deviation, summed(d_y * normal, width, drops), summed(d_y, width, drops)


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(d_y, x, gamma, eps, drops=True)


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(d_y, x, gamma, eps, drops=False)
