"""A tile of keys that begins before its chunk of queries is not masked, also where it reaches into the chunk.

https://github.com/fla-org/flash-linear-attention/issues/1104
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}


CHUNK, TILE = 48, 32


def attend(q: Tensor, k: Tensor, v: Tensor, by_tile: bool) -> Tensor:
    e = q @ k.mT / math.sqrt(q.shape[-1])
    n, m = e.shape[-2:]
    sees = torch.ones(n, m, dtype=torch.bool).tril(m - n)
    for first in range(0, n if by_tile else 0, CHUNK):
        place = first + m - n  # of the chunk's first query, among the keys
        for tile in range(0, max(place, 0), TILE):
            sees[first : first + CHUNK, tile : tile + TILE] = True
    return torch.nan_to_num(torch.softmax(e.masked_fill(~sees, -math.inf), -1)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, by_tile=True)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, by_tile=False)
