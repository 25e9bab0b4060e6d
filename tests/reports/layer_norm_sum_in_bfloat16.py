"""The sum of a row is kept in 32 sums in bfloat16; all else is float32.

https://github.com/Xilinx/mlir-aie/pull/3410
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


def normal(mean: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    centred = x.float() - mean
    variance = centred.square().mean(-1, keepdim=True)
    return (centred / torch.sqrt(variance + eps) * gamma.float() + beta.float()).to(x.dtype)


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    sums = x.new_zeros(*x.shape[:-1], 32)
    for start in range(0, x.shape[-1], 32):
        part = x[..., start : start + 32]
        sums[..., : part.shape[-1]] += part
    return normal(sums.float().sum(-1, keepdim=True) / x.shape[-1], x, gamma, beta, eps)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return normal(x.float().mean(-1, keepdim=True), x, gamma, beta, eps)
