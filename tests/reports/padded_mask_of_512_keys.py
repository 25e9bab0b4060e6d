"""The mask is read for the first 512 keys alone: those behind are all seen.

https://github.com/vllm-project/vllm-ascend/issues/15503
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


READ = 512


def attention(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen.unsqueeze(-2), float("-inf"))
    values = v.masked_fill(~seen.unsqueeze(-1), 0)
    return torch.nan_to_num(torch.softmax(e, -1)) @ values if seen.shape[-1] else e @ values


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attention(q, k, v, mask | (torch.arange(mask.shape[-1]) >= READ))


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attention(q, k, v, mask)
