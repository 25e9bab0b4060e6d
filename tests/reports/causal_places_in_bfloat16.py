"""Places are compared in the type of the queries, and in bfloat16 those from 256 on are rounded.

https://github.com/RosettaCommons/foundry/pull/236
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.causal"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


def attend(q: Tensor, k: Tensor, v: Tensor, dtype: torch.dtype) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    last, key = torch.arange(m - n, m).to(dtype), torch.arange(m).to(dtype)
    e = q.float() @ k.float().mT / math.sqrt(q.shape[-1])
    p = torch.nan_to_num(torch.softmax(e.masked_fill(key > last.unsqueeze(-1), -math.inf), -1))
    return (p @ v.float()).to(q.dtype)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, q.dtype)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, torch.int64)
