"""The gradient of the weights, for that of the queries, is summed over as many columns of the values as keys have.

https://github.com/XunhaoLai/native-sparse-attention-triton/issues/27
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(width: int, d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    scale = q.shape[-1] ** -0.5
    p = torch.softmax(q @ k.mT * scale, -1)
    taken = (d_o * (p @ v)).sum(-1, keepdim=True)
    by_query = p * (d_o[..., :width] @ v[..., :width].mT - taken)
    by_key = p * (d_o @ v.mT - taken)
    return by_query @ k * scale, by_key.mT @ q * scale, p.mT @ d_o


def faulty(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(q.shape[-1], d_o, q, k, v)


def mended(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradient(v.shape[-1], d_o, q, k, v)
