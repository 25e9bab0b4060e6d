"""The row of the mask is a number of 16 bits: queries from 65536 on read the mask of the first ones.

https://github.com/pytorch/pytorch/issues/162588
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.masked"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)
    o: Tensor = torch.nan_to_num(torch.softmax(e, -1)) @ v
    return o


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask[..., torch.arange(q.shape[-2]) & 0xFFFF, :])


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask)
