"""A row is given to a warp of a block, and threads return whose number in the block is beyond the row.

https://github.com/karpathy/llm.c/issues/776
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}

WARPS, LANES = 4, 32


def weights(e: Tensor, by_lane: bool) -> Tensor:
    m = e.shape[-1]
    rows = e.reshape(-1, m)
    lane = torch.arange(LANES)
    out = torch.zeros_like(rows)
    for warp in range(WARPS):
        active = lane < m if by_lane else warp * LANES + lane < m
        read = active[torch.arange(m) % LANES]
        of_warp = rows[warp::WARPS]
        scores = of_warp.masked_fill(~read, float("-inf"))
        largest = scores.amax(-1, keepdim=True) if m else scores
        weight = torch.where(read, torch.exp(of_warp - torch.where(largest.isinf(), 0, largest)), 0)
        out[warp::WARPS] = torch.where(read, weight / weight.sum(-1, keepdim=True), 0)
    return out.reshape(e.shape)


def faulty(e: Tensor) -> Tensor:
    return weights(e, by_lane=False)


def mended(e: Tensor) -> Tensor:
    return weights(e, by_lane=True)
