"""Attention over sequences of several lengths reads the longest length of the batch for all of them.

https://github.com/vllm-project/flash-attention/pull/18
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(q: Tensor, k: Tensor, v: Tensor, keep: Tensor) -> Tensor:
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~keep.unsqueeze(-2), -math.inf)
    return torch.nan_to_num(torch.softmax(e, -1)) @ v.masked_fill(~keep.unsqueeze(-1), 0)


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    keep = mask.any(0).expand(mask.shape) if mask.ndim > 1 else mask
    return attend(q, k, v, keep)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask)
