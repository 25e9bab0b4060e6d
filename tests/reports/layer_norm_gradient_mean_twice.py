"""In the backward pass of layer norm, the mean of the gradient is subtracted twice.

https://github.com/tenstorrent/tt-metal/issues/53204
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(times: int, d_y: Tensor, x: Tensor, gamma: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    centred = x - x.mean(-1, keepdim=True)
    deviation = torch.sqrt(centred.square().mean(-1, keepdim=True) + eps)
    normal, scaled = centred / deviation, d_y * gamma
    by_mean, by_variance = scaled.mean(-1, keepdim=True), (scaled * normal).mean(-1, keepdim=True)
    return (scaled - times * by_mean - normal * by_variance) / deviation, d_y * normal, d_y.clone()


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(2, d_y, x, gamma, eps)


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(1, d_y, x, gamma, eps)
