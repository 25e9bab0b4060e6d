"""The running maximum of the unscaled scores begins at -50000, and scores below that all count as nothing.

https://github.com/flashinfer-ai/flashinfer/pull/4401
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.with_lse"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(q: Tensor, k: Tensor, v: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    scale = 1 / math.sqrt(q.shape[-1])
    if not k.shape[-2]:
        return q.new_zeros(*q.shape[:-1], v.shape[-1]), q.new_full(q.shape[:-1], -math.inf)
    e = q @ k.mT
    top = e.amax(-1, keepdim=True).clamp(min=floor)
    p = torch.exp((e - top) * scale)
    total = p.sum(-1, keepdim=True)
    o = torch.where(total > 0, p @ v / total, 0)
    return o, (top * scale + torch.log(total)).squeeze(-1)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    return attend(q, k, v, floor=-5e4)


def mended(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    return attend(q, k, v, floor=-math.inf)
