"""The weights of a query that sees nothing are 0, and are divided by their sum.

https://github.com/ggml-org/llama.cpp/pull/19098
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.masked"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, -1e30)
    largest = e.amax(-1, keepdim=True) if e.shape[-1] else e.sum(-1, keepdim=True)
    w = torch.where(mask, torch.exp(e - largest), 0)
    return w @ v, w.sum(-1, keepdim=True)


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    total, share = attend(q, k, v, mask)
    return total / share


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    total, share = attend(q, k, v, mask)
    return total / torch.where(share > 0, share, 1)
