"""Rows are taken to be a width apart, also where they are slices of wider ones.

https://github.com/NVIDIA/TransformerEngine/pull/1017
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    if x.stride(-1) != 1:
        return mended(x, gamma, beta, eps=eps)
    steps = torch.empty(x.shape, device="meta").stride()
    return mended(torch.as_strided(x, x.shape, steps), gamma, beta, eps=eps)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], gamma, beta, eps)
