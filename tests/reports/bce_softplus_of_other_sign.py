"""The softplus is that of minus the logit, and the product with the target is subtracted as if it were of the logit.

https://github.com/rohitg00/ai-engineering-from-scratch/pull/344
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "text.binary_cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def loss(logit: Tensor, target: Tensor, sign: int) -> Tensor:
    """The larger parts are subtracted first, so that what is left of them keeps the small one."""
    return (sign * logit).clamp(min=0) - target * logit + torch.log1p(torch.exp(-logit.abs()))


def faulty(logit: Tensor, target: Tensor) -> Tensor:
    return loss(logit, target, -1)


def mended(logit: Tensor, target: Tensor) -> Tensor:
    return loss(logit, target, 1)
