"""eps never reaches the kernel, which adds 0: a row of equal values becomes NaN.

https://github.com/VeriSilicon/TIM-VX/pull/589
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, lost: bool) -> Tensor:
    apart = x - x.mean(-1, keepdim=True)
    squares = (apart * apart).sum(-1, keepdim=True)
    below = torch.sqrt(squares / x.shape[-1] + (0 if lost else eps))
    return apart / below * gamma + beta


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, lost=True)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, lost=False)
