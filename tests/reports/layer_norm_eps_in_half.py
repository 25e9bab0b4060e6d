"""The variance with its eps is rounded to float16, where an eps of 1e-12 is 0.

Then a row of equal values is 0 · ∞, NaN. https://github.com/deepspeedai/DeepSpeed/pull/581
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16", "policy": "float32-inside"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float, kept: torch.dtype) -> Tensor:
    wide = x.float()
    centred = wide - wide.mean(-1, keepdim=True)
    variance = ((centred * centred).mean(-1, keepdim=True) + eps).to(kept)
    return (centred * torch.rsqrt(variance).float() * gamma.float() + beta.float()).to(x.dtype)


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, x.dtype)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return norm(x, gamma, beta, eps, torch.float32)
