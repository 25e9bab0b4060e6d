"""The number of elements is stored in float16, where 2,049 is 2,048.

https://github.com/pytorch/executorch/pull/16727
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


def normal(count: float, x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    wide = x.float()
    centred = wide - wide.sum(-1, keepdim=True) / count
    variance = centred.square().sum(-1, keepdim=True) / count
    return (centred / torch.sqrt(variance + eps) * gamma.float() + beta.float()).to(x.dtype)


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return normal(float(torch.tensor(x.shape[-1], dtype=x.dtype)), x, gamma, beta, eps)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return normal(x.shape[-1], x, gamma, beta, eps)
