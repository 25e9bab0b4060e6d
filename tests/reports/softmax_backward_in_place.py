"""A fused backward pass of softmax writes its result over the gradient that it was given.

https://github.com/NVIDIA/apex/issues/1587
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.softmax"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(d_alpha: Tensor, e: Tensor) -> Tensor:
    return d_alpha.copy_(mended(d_alpha, e))


def mended(d_alpha: Tensor, e: Tensor) -> Tensor:
    alpha = torch.softmax(e, -1)
    return alpha * (d_alpha - (alpha * d_alpha).sum(-1, keepdim=True))
