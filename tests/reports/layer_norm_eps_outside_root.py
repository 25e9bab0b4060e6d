"""eps is added to the standard deviation, and not to the variance.

https://github.com/tracel-ai/burn/issues/2185
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, outside: bool) -> Tensor:
    apart = x - x.mean(-1, keepdim=True)
    squares = (apart * apart).sum(-1, keepdim=True)
    variance = squares / x.shape[-1]
    below = torch.sqrt(variance) + eps if outside else torch.sqrt(variance + eps)
    return apart / below * gamma + beta


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, outside=True)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, outside=False)
