"""The scores of all queries of all examples are one axis, and the softmax is over that one.

https://github.com/PetrochukM/PyTorch-NLP/issues/2
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    e = q @ k.transpose(-1, -2)
    return torch.softmax(e.reshape(-1, e.shape[-1]) if e.numel() else e, 0).reshape(e.shape) @ v


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.transpose(-1, -2), -1) @ v
