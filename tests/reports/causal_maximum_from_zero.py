"""Keys are read in blocks from the last one; where a block is all hidden, the largest score begins at 0 and stays.

https://github.com/Dao-AILab/flash-attention/issues/2082
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}


BLOCK = 128


def attend(q: Tensor, k: Tensor, v: Tensor, from_zero: bool) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    last = torch.arange(n).unsqueeze(-1) + (m - n)
    top = q.new_full((*q.shape[:-1], 1), -math.inf)
    total = torch.zeros_like(top)
    o = total * torch.zeros_like(v[..., :1, :].sum(-2, keepdim=True))
    for first in reversed(range(0, m, BLOCK)):
        keys = slice(first, min(first + BLOCK, m))
        e = q @ k[..., keys, :].mT / math.sqrt(q.shape[-1])
        e = e.masked_fill(torch.arange(m)[keys] > last, -math.inf)
        new = torch.maximum(top, e.amax(-1, keepdim=True))
        shift = torch.where(new == -math.inf, 0.0, new)
        p, keep = torch.exp(e - shift), torch.exp(top - shift)
        total, o = total * keep + p.sum(-1, keepdim=True), o * keep + p @ v[..., keys, :]
        top = shift if from_zero else new
    return torch.where(total > 0, o / total, 0.0)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, from_zero=True)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, from_zero=False)
