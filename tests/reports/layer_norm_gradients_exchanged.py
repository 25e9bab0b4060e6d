"""The gradients of the gain and of the shift are exchanged.

https://github.com/Oneflow-Inc/oneflow/pull/6149
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def parts(d_y: Tensor, x: Tensor, gamma: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    centred = x - x.mean(-1, keepdim=True)
    deviation = torch.sqrt(centred.square().mean(-1, keepdim=True) + eps)
    normal, scaled = centred / deviation, d_y * gamma
    by_mean, by_variance = scaled.mean(-1, keepdim=True), (scaled * normal).mean(-1, keepdim=True)
    return (scaled - by_mean - normal * by_variance) / deviation, normal


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    d_x, normal = parts(d_y, x, gamma, eps)
    return d_x, d_y.clone(), d_y * normal


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    d_x, normal = parts(d_y, x, gamma, eps)
    return d_x, d_y * normal, d_y.clone()
