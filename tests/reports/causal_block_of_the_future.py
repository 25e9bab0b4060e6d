"""A block of keys that lies wholly behind a query has its last column counted from the end, and is not hidden.

https://github.com/sgl-project/sglang/pull/22434
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}


ROWS, COLUMNS = 512, 768


def attention(q: Tensor, k: Tensor, v: Tensor, wraps: bool) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    e = q @ k.mT / q.shape[-1] ** 0.5
    place = torch.arange(n).unsqueeze(-1) + m - n  # the last key that a query sees
    hidden = torch.arange(m) > torch.zeros(n, 1) + m  # of the right shape, and nothing hidden
    for top in range(0, n, ROWS):
        rows = slice(top, min(top + ROWS, n))
        read = max(min(m, rows.stop + m - n), 0)
        hidden[rows, read:] = True
        for left in range(0, read, COLUMNS):
            width = min(COLUMNS, read - left)
            first = place[rows] - left + 1  # the first column that is hidden
            start = torch.where(first < 0, first + width, first) if wraps else first
            hidden[rows, left : left + width] = torch.arange(width) >= start
    e = e.masked_fill(hidden, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, wraps=True)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, wraps=False)
