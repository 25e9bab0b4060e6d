"""eps is added to the width by which the squares are divided.

https://github.com/xlite-dev/LeetCUDA/issues/309
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, to_width: bool) -> Tensor:
    apart = x - x.mean(-1, keepdim=True)
    squares = (apart * apart).sum(-1, keepdim=True)
    d = x.shape[-1]
    reciprocal = torch.rsqrt(squares / (d + eps) if to_width else squares / d + eps)
    return apart * reciprocal * gamma + beta


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, to_width=True)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, to_width=False)
