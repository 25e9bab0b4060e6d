"""The logarithm is taken of a sigmoid that rounds to 1: 1 less it is 0.

https://github.com/huggingface/candle/issues/2561
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "text.binary_cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logit: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(logit)
    return -(target * torch.log(p) + (1 - target) * torch.log(1 - p))


def mended(logit: Tensor, target: Tensor) -> Tensor:
    return logit.clamp(min=0) - target * logit + torch.log1p(torch.exp(-logit.abs()))
