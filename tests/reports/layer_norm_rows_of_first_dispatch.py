"""More than 65,535 groups are spread over two axes of a grid, and a group takes its place on the first for its row.

https://github.com/microsoft/onnxruntime/pull/23696
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}

MOST = 65_535


def normal(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, whole: bool) -> Tensor:
    rows = x.reshape(-1, x.shape[-1])
    groups = len(rows)
    if groups > MOST and not whole:
        groups = math.isqrt(groups - 1) + 1
    out = torch.zeros_like(rows)
    out[:groups] = torch.nn.functional.layer_norm(rows[:groups], x.shape[-1:], gamma, beta, eps)
    return out.reshape(x.shape)


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return normal(x, gamma, beta, eps, whole=False)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return normal(x, gamma, beta, eps, whole=True)
