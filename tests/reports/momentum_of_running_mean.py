"""The momentum is a running mean of gradients, where it is to be their decaying sum.

https://github.com/samsja/muon_fsdp_2/issues/6
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.sgd_momentum"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    m = torch.lerp(m, g, 1 - mu)
    return theta - lr * m, m


def mended(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    m = mu * m + g
    return theta - lr * m, m
