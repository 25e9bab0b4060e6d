"""The backward pass masks causally, whatever the forward pass was asked for.

https://github.com/triton-lang/triton/issues/4541
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "backward.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradients(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor, causal: bool) -> tuple[Tensor, Tensor, Tensor]:
    scale = 1 / math.sqrt(q.shape[-1])
    e = q @ k.mT * scale
    p = torch.softmax(e, -1)
    D = (d_o * (p @ v)).sum(-1, keepdim=True)  # of the forward pass
    if causal:
        p = p.tril()
    d_e = p * (d_o @ v.mT - D)
    return d_e @ k * scale, d_e.mT @ q * scale, p.mT @ d_o


def faulty(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(d_o, q, k, v, causal=True)


def mended(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(d_o, q, k, v, causal=False)
