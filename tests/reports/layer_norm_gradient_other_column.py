"""The gradient of gamma is computed from the output, with gamma and beta of another column.

It is the column of the row's number in its tile of 32. https://github.com/deepspeedai/DeepSpeed/pull/692
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(d_y: Tensor, x: Tensor, gamma: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    centred = x - x.mean(-1, keepdim=True)
    deviation = torch.sqrt(centred.square().mean(-1, keepdim=True) + eps)
    normal, scaled = centred / deviation, d_y * gamma
    by_mean, by_variance = scaled.mean(-1, keepdim=True), (scaled * normal).mean(-1, keepdim=True)
    return (scaled - by_mean - normal * by_variance) / deviation, d_y * normal, d_y.clone()


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    d_x, _, d_beta = gradient(d_y, x, gamma, eps)
    width = x.shape[-1]
    row = torch.arange(x[..., 0].numel()).reshape(*x.shape[:-1], 1) if width else torch.zeros(*x.shape[:-1], 1).long()
    place = (torch.arange(width) // 32 * 32 + row % 32).clamp(max=max(width - 1, 0))
    centred = x - x.mean(-1, keepdim=True)
    normal = centred / torch.sqrt(centred.square().mean(-1, keepdim=True) + eps)
    return d_x, d_y * (normal * gamma + beta - beta[place]) / gamma[place], d_beta


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(d_y, x, gamma, eps)
