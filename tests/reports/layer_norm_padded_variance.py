"""Rows are padded with zeros to a power of two, and the padding counts in the variance.

https://github.com/triton-lang/triton/issues/9838
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, width: int) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    padded = torch.nn.functional.pad(x, (0, width - x.shape[-1])) - mean
    variance = padded.square().sum(-1, keepdim=True) / x.shape[-1]
    return (x - mean) * torch.rsqrt(variance + eps) * gamma + beta


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, 1 << (x.shape[-1] - 1).bit_length())


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, x.shape[-1])
