"""Mean and variance run down the rows, and not along each row.

https://github.com/Xilinx/mlir-aie/pull/3419
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, axis: int) -> Tensor:
    rows = x if x.ndim > 1 else x.unsqueeze(0)
    centred = rows - rows.mean(axis, keepdim=True)
    variance = centred.square().mean(axis, keepdim=True)
    return (centred * torch.rsqrt(variance + eps) * gamma + beta).reshape(x.shape)


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, -2)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, -1)
