"""The sum runs over the whole array, and not along one axis.

https://github.com/uTensor/uTensor/pull/171
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(e: Tensor) -> Tensor:
    return torch.softmax(e.flatten(), 0).reshape(e.shape)


def mended(e: Tensor) -> Tensor:
    return torch.softmax(e, -1)
