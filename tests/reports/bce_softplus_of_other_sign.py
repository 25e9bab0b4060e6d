"""The softplus is that of minus the logit, and the product with the target is subtracted as if it were of the logit.

https://github.com/rohitg00/ai-engineering-from-scratch/pull/344
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "text.binary_cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def softplus(x: Tensor) -> Tensor:
    return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))


def faulty(logit: Tensor, target: Tensor) -> Tensor:
    return softplus(-logit) - target * logit


def mended(logit: Tensor, target: Tensor) -> Tensor:
    return softplus(logit) - target * logit
