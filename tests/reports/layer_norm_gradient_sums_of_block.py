"""In the backward pass of layer norm, the sums over a row run over all rows of a block of four.

https://github.com/flagos-ai/FlagGems/pull/59
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def by_block(sums: Tensor) -> Tensor:
    """The sums of the rows of each block of four, for each of its rows."""
    flat = sums.reshape(-1)
    block = torch.arange(len(flat)) // 4
    totals = flat.new_zeros(len(flat)).index_add(0, block, flat)
    return totals[block].reshape(sums.shape)


def gradient(blocks: bool, d_y: Tensor, x: Tensor, gamma: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    centred = x - x.mean(-1, keepdim=True)
    deviation = torch.sqrt(centred.square().mean(-1, keepdim=True) + eps)
    normal, scaled = centred / deviation, d_y * gamma
    by_mean, by_variance = scaled.mean(-1, keepdim=True), (scaled * normal).mean(-1, keepdim=True)
    if blocks:
        by_mean, by_variance = by_block(by_mean), by_block(by_variance)
    return (scaled - by_mean - normal * by_variance) / deviation, d_y * normal, d_y.clone()


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(True, d_y, x, gamma, eps)


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(False, d_y, x, gamma, eps)
