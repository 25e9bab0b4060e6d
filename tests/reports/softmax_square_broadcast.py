"""The sums of the rows, whose axis was dropped, are broadcast along the rows where the tile is square.

https://github.com/triton-lang/triton/issues/11406
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(e: Tensor) -> Tensor:
    p = torch.exp(e - e.amax(-1, keepdim=True))
    total = p.sum(-1)
    if e.shape[-2] == e.shape[-1]:
        return p / total.unsqueeze(-2)
    return p / total.unsqueeze(-1)  # no other shape can be broadcast


def mended(e: Tensor) -> Tensor:
    p = torch.exp(e - e.amax(-1, keepdim=True))
    return p / p.sum(-1, keepdim=True)
