"""The gradient of the values is stored by chunks whose width fits the keys.

Where keys are 128 wide or more, and half of the values' columns is not a multiple of the chunk, the rest of each half
is not stored. https://github.com/Dao-AILab/flash-attention/issues/2552
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "backward.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    scale = q.shape[-1] ** -0.5
    p = torch.softmax(q @ k.mT * scale, -1)
    d_e = p * (d_o @ v.mT - (d_o * (p @ v)).sum(-1, keepdim=True))
    return d_e @ k * scale, d_e.mT @ q * scale, p.mT @ d_o


def faulty(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    d_q, d_k, d_v = gradient(d_o, q, k, v)
    if q.shape[-1] >= 128:
        half, chunk = -(-v.shape[-1] // 16) * 8, math.gcd(32, -(-q.shape[-1] // 16) * 8)
        column = torch.arange(v.shape[-1])
        d_v = d_v * (column % half < half // chunk * chunk)
    return d_q, d_k, d_v


def mended(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(d_o, q, k, v)
