"""The sum of squares is kept in float16 and overflows where activations are large.

The row becomes beta. https://github.com/microsoft/onnxruntime/pull/28442
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, largest: float) -> Tensor:
    wide = x.float()
    centred = wide - wide.mean(-1, keepdim=True)
    squares = centred.square().sum(-1, keepdim=True)
    squares = torch.where(squares > largest, torch.inf, squares)
    return (centred * torch.rsqrt(squares / x.shape[-1] + eps) * gamma.float() + beta.float()).to(x.dtype)


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, torch.finfo(torch.float16).max)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, torch.inf)
