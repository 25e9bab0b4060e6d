"""For the gradient of the gain, the row is scaled first and its scaled mean is taken off after that.

https://github.com/pytorch/pytorch/issues/188375
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}


Three = tuple[Tensor, Tensor, Tensor]


def parts(d_y: Tensor, x: Tensor, gamma: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient of x, the mean of each row and one over its deviation."""
    mean = x.mean(-1, keepdim=True)
    r = torch.rsqrt((x - mean).square().mean(-1, keepdim=True) + eps)
    normal, g = (x - mean) * r, d_y * gamma
    d_x = (g - g.mean(-1, keepdim=True) - normal * (g * normal).mean(-1, keepdim=True)) * r
    return d_x, mean, r


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Three:
    d_x, mean, r = parts(d_y, x, gamma, eps)
    return d_x, d_y * (x * r - mean * r), d_y.clone()


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Three:
    d_x, mean, r = parts(d_y, x, gamma, eps)
    return d_x, d_y * ((x - mean) * r), d_y.clone()
