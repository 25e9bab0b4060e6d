"""The scale is d^(-1/2), and the scores are divided by it.

https://github.com/esceptico/perceiver-io/issues/9
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scale = q.shape[-1] ** -0.5
    return torch.softmax(q @ k.mT / scale, -1) @ v


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scale = q.shape[-1] ** -0.5
    return torch.softmax(q @ k.mT * scale, -1) @ v
