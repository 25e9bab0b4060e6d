"""Probability and target stand in each other's place: the logarithm is taken of the target.

https://github.com/carpedm20/NTM-tensorflow/issues/17
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "text.binary_cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


TINY = 1e-12


def faulty(logit: Tensor, target: Tensor) -> Tensor:
    p, y = torch.sigmoid(logit), target.to(logit.dtype)
    return -(p * torch.log(y + TINY) + (1 - p) * torch.log(1 - y + TINY))


def mended(logit: Tensor, target: Tensor) -> Tensor:
    return logit.clamp(min=0) - target * logit + torch.log1p(torch.exp(-logit.abs()))
