"""The causal mask is left out wherever there is a cache, also where several queries come at once.

https://github.com/Mikyx-1/TinyLLM/pull/18
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(q: Tensor, k: Tensor, v: Tensor, hides: bool) -> Tensor:
    e = q @ k.mT / math.sqrt(q.shape[-1])
    n, m = e.shape[-2:]
    if hides:
        e = e.masked_fill(~torch.ones(n, m, dtype=torch.bool).tril(m - n), -math.inf)
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, hides=q.shape[-2] >= k.shape[-2])  # fewer queries than keys: the others are in a cache


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, hides=True)
