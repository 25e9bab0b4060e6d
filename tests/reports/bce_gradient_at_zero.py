"""The loss is differentiated through an absolute value, whose slope is taken for 0 at 0.

https://github.com/pytorch/pytorch/issues/2298
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.binary_cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(d_loss: Tensor, logit: Tensor, target: Tensor) -> Tensor:
    """The slope of relu(x) − x·y + log(1 + exp(−|x|)), part by part."""
    slope = (logit > 0).to(logit.dtype) - target - torch.sign(logit) * torch.sigmoid(-logit.abs())
    return d_loss * slope


def mended(d_loss: Tensor, logit: Tensor, target: Tensor) -> Tensor:
    return d_loss * (torch.sigmoid(logit) - target)
