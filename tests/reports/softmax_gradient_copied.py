"""The gradient of the output is handed on as that of the input.

https://github.com/pjreddie/darknet/pull/96
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
    return d_alpha.clone()


def mended(d_alpha: Tensor, e: Tensor) -> Tensor:
    return gradient(d_alpha, e)
