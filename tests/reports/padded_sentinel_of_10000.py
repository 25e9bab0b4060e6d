"""Scores of padding are set to -10000, and the padding is read where all other scores are lower.

https://github.com/ohdearquant/lattice/issues/361
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, hidden: float) -> Tensor:
    e = q @ k.mT / math.sqrt(q.shape[-1])
    e = torch.where(mask.unsqueeze(-2), e, hidden)
    p = torch.nan_to_num(torch.softmax(e, -1)) * mask.any(-1)[..., None, None]
    shown = torch.where(mask.unsqueeze(-1), v, 0) if hidden == -math.inf else v
    return p @ shown


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask, -10_000.0)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask, -math.inf)
