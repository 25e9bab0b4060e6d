"""The sums of blocks of rows have a buffer whose size is rounded down: what the last, partial block summed is lost.

https://github.com/BobMcDear/attorch/issues/18
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def block_size(rows: int, width: int) -> int:
    """Many narrow rows are summed in blocks."""
    return 8 if width < 64 and rows >= 1024 else 1


def summed(terms: Tensor, width: int, keeps: bool) -> Tensor:
    rows = terms.reshape(-1, width)
    size = block_size(len(rows), width)
    return (rows if keeps else rows[: len(rows) // size * size]).sum(0)


def gradient(d_y: Tensor, x: Tensor, gamma: Tensor, eps: float, keeps: bool) -> tuple[Tensor, Tensor, Tensor]:
    centred = x - x.mean(-1, keepdim=True)
    deviation = torch.sqrt(centred.square().mean(-1, keepdim=True) + eps)
    normal, scaled = centred / deviation, d_y * gamma
    common = scaled.mean(-1, keepdim=True) + normal * (scaled * normal).mean(-1, keepdim=True)
    width = x.shape[-1]
    return (scaled - common) / deviation, summed(d_y * normal, width, keeps), summed(d_y, width, keeps)


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(d_y, x, gamma, eps, keeps=False)


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(d_y, x, gamma, eps, keeps=True)
