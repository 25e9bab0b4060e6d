"""The first pass of a norm uses the stride of the last axis, the second does not.

https://github.com/ModelTC/LightLLM/issues/1467
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, read: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = (x - mean).square().mean(-1, keepdim=True)
    return (read - mean) * torch.rsqrt(variance + eps) * gamma + beta


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    read = torch.as_strided(x, x.shape, (*x.stride()[:-1], 1))
    return norm(x, read, gamma, beta, eps)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, x, gamma, beta, eps)
