"""Columns beyond a block of 2,048 are left out of the mean and the variance.

https://github.com/facebookresearch/xformers/issues/785
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, read: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    mean = read.mean(-1, keepdim=True)
    variance = (read - mean).square().mean(-1, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + eps) * gamma + beta


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, x[..., :2048], gamma, beta, eps)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, x, gamma, beta, eps)
