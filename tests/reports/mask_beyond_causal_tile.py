"""A mask shows keys behind the tile of the queries, and the loop over keys ends where a causal one would.

https://github.com/sgl-project/sglang/pull/39703
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.masked"
OPTIONS: dict[str, object] = {"framework": "torch"}

TILE = 64


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    end = max(m - n, 0) + (torch.arange(n).unsqueeze(-1) // TILE + 1) * TILE
    return attend(q, k, v, mask & (torch.arange(m) < end))


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask)
