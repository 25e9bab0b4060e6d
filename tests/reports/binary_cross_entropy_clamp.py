"""What keeps the exponentials from overflow is the logit where it should be minus the logit.

https://github.com/pytorch/pytorch/pull/2221
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "text.binary_cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def loss(logit: Tensor, target: Tensor, top: Tensor) -> Tensor:
    return logit - logit * target + top + torch.log(torch.exp(-top) + torch.exp(-logit - top))


def faulty(logit: Tensor, target: Tensor) -> Tensor:
    return loss(logit, target, logit.clamp(min=0))


def mended(logit: Tensor, target: Tensor) -> Tensor:
    return loss(logit, target, (-logit).clamp(min=0))
