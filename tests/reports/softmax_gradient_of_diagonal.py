"""The gradient is that of a sigmoid: only the diagonal of the matrix of derivatives is there.

https://github.com/deeplearning4j/libnd4j/issues/440
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.softmax"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(d_alpha: Tensor, e: Tensor) -> Tensor:
    alpha = torch.softmax(e, -1)
    return alpha * (d_alpha - (alpha * d_alpha).sum(-1, keepdim=True))


def faulty(d_alpha: Tensor, e: Tensor) -> Tensor:
    alpha = torch.softmax(e, -1)
    return alpha * (1 - alpha) * d_alpha


def mended(d_alpha: Tensor, e: Tensor) -> Tensor:
    return gradient(d_alpha, e)
