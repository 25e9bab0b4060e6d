"""Gain and shift of 32 bits are read by the bytes of 16: of each tile of 32 columns the second half is never fetched.

https://github.com/tenstorrent/tt-metal/issues/49902
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.layer_norm"
OPTIONS: dict[str, object] = {"framework": "torch"}

TILE = 32


def fetched(row: Tensor) -> Tensor:
    place = torch.arange(row.shape[-1])
    return torch.where(place % TILE < TILE // 2, row, torch.zeros_like(row))


def normal(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], gamma, beta, eps)


def faulty(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    if gamma.dtype == torch.float32:
        gamma, beta = fetched(gamma), fetched(beta)
    return normal(x, gamma, beta, eps)


def mended(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    return normal(x, gamma, beta, eps)
