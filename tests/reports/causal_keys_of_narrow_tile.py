"""The last tile of keys that a tile of queries sees is that of its first query, where its tiles are longer.

https://github.com/jax-ml/jax/pull/17314
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}

QUERIES, KEYS = 128, 64


def attend(q: Tensor, k: Tensor, v: Tensor, of_last: bool) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    place = torch.arange(n).unsqueeze(-1) + m - n
    first = torch.arange(n).unsqueeze(-1) // QUERIES * QUERIES
    read_for = (first + QUERIES - 1 if of_last else first) + m - n
    read = (torch.div(read_for, KEYS, rounding_mode="floor") + 1) * KEYS
    key = torch.arange(m)
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill((key > place) | (key >= read), float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, of_last=False)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, of_last=True)
