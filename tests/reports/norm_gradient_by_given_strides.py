"""The incoming gradient is walked by the strides of a contiguous array, also where it has others.

https://github.com/flagos-ai/FlagGems/pull/1084
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradients(d_y: Tensor, x: Tensor, gamma: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    centred = x - x.mean(-1, keepdim=True)
    r = torch.rsqrt(centred.square().mean(-1, keepdim=True) + eps)
    normalised, g = centred * r, d_y * gamma
    d_x = r * (g - g.mean(-1, keepdim=True) - normalised * (g * normalised).mean(-1, keepdim=True))
    return d_x, d_y * normalised, d_y.clone()


def as_if_contiguous(x: Tensor) -> Tensor:
    strides, step = [], 1
    for size in reversed(x.shape):
        strides.append(step)
        step *= size
    room = x.untyped_storage().nbytes() // x.element_size() - x.storage_offset()
    return x.as_strided(x.shape, strides[::-1]) if step <= room else x.contiguous()


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(as_if_contiguous(d_y), x, gamma, eps)


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(d_y, x, gamma, eps)
