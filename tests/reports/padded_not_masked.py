"""The softmax runs over padding too: no score is masked.

https://github.com/tensorflow/tensorflow/issues/43941
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attention(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen.unsqueeze(-2), float("-inf"))
    values = v.masked_fill(~seen.unsqueeze(-1), 0)
    return torch.nan_to_num(torch.softmax(e, -1)) @ values if seen.shape[-1] else e @ values


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attention(q, k, v, torch.ones_like(mask))


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attention(q, k, v, mask)
