"""With more queries than keys, a tile of queries whose first one sees no key gives 0 throughout.

https://github.com/Dao-AILab/flash-attention/issues/1778
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}


TILE = 4


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    n, m, out = q.shape[-2], k.shape[-2], mended(q, k, v)
    for at in range(0, max(n - m, 0), TILE):
        out = torch.where(torch.arange(n)[:, None] // TILE == at // TILE, 0, out)
    return out


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    seen = torch.arange(m) <= torch.arange(n)[:, None] + (m - n)
    e = torch.where(seen, q @ k.mT * q.shape[-1] ** -0.5, -torch.inf)
    return torch.softmax(e, -1).nan_to_num(0.0) @ v
