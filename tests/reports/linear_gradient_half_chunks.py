"""The gradient of the matrix is added up in half precision, chunk after chunk of the rows.

https://github.com/axolotl-ai-cloud/axolotl/pull/1601
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.linear"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


CHUNK = 16


def gradients(d_y: Tensor, x: Tensor, W: Tensor, held: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    d_W = torch.zeros(*x.shape[:-2], *W.shape, dtype=held)
    for a, g in zip(torch.split(x, CHUNK, -2), torch.split(d_y, CHUNK, -2), strict=True):
        d_W = (d_W.float() + a.float().mT @ g.float()).to(held)
    d_x, d_b = d_y.float() @ W.float().mT, d_y.float().sum(-2)
    return d_x.to(x.dtype), d_W.to(x.dtype), d_b.to(x.dtype)


def faulty(d_y: Tensor, x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(d_y, x, W, d_y.dtype)


def mended(d_y: Tensor, x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(d_y, x, W, torch.float32)
