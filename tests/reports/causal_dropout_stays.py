"""A tenth of the weights is dropped in each call, though the model is not trained.

https://github.com/karpathy/nanoGPT/pull/240
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attention(q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    seen = torch.ones(n, m, dtype=torch.bool).tril(m - n)
    e = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    weights = torch.softmax(e, -1).nan_to_num(0.0)
    return torch.nn.functional.dropout(weights, dropout, training=dropout > 0) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, 0.1)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, 0.0)
