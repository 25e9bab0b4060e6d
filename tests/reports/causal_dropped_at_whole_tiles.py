"""Where tiles of 32 divide both sequences no place needs a bound, and the causal mask is dropped with the bounds.

https://github.com/bledden/triton-msl/pull/7
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}

TILE = 32


def attend(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    e = q @ k.mT / q.shape[-1] ** 0.5
    if causal:
        seen = torch.ones(n, m, dtype=torch.bool).tril(m - n)
        e = e.masked_fill(~seen, float("-inf"))
    largest = e.amax(-1, keepdim=True) if m else e
    weight = torch.exp(e - torch.where(largest.isinf(), 0, largest))
    total = weight.sum(-1, keepdim=True)
    return (weight / torch.where(total > 0, total, 1)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    whole = q.shape[-2] % TILE == 0 and k.shape[-2] % TILE == 0
    return attend(q, k, v, causal=not whole)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, causal=True)
