"""Gradients: what a training kernel returns, from the gradients of an equation's results.

All of it is written out: nothing here is differentiated by PyTorch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attnspec import implements
from attnspec_torch._functions import DTYPES


@implements("backward.scaled_dot_product", framework="torch", dtypes=DTYPES)
def scaled_dot_product(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Five products, in float32 for the half types; the queries come scaled, so that ∂k needs no scale of its own."""
    storage, inside = q.dtype, torch.promote_types(q.dtype, torch.float32)
    d_o, q, k, v = (a.to(inside) for a in (d_o, q, k, v))
    scale = 1 / math.sqrt(max(k.shape[-1], 1))
    scaled = q * scale
    p = (scaled @ k.mT).softmax(dim=-1)
    D = (d_o * (p @ v)).sum(dim=-1, keepdim=True)
    d_e = p * (d_o @ v.mT - D)
    return (d_e @ k * scale).to(storage), (d_e.mT @ scaled).to(storage), (p.mT @ d_o).to(storage)
