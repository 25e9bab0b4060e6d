"""Probability and target stand in each other's place: the logarithm is taken of the target.

https://github.com/carpedm20/NTM-tensorflow/issues/17
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EQUATION = "text.binary_cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


TINY = 1e-12


def faulty(logit: Tensor, target: Tensor) -> Tensor:
    p, y = torch.sigmoid(logit), target.to(logit.dtype)
    return -(p * torch.log(y + TINY) + (1 - p) * torch.log(1 - y + TINY))


def mended(logit: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logit, target.to(logit.dtype), reduction="none")
