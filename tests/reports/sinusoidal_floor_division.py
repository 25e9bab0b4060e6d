"""−2 ln(10000) / d // 2 rounds the whole exponent down, where d // 2 was meant.

https://github.com/zju3dv/LoFTR/issues/41
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "position.sinusoidal"
OPTIONS: dict[str, object] = {"framework": "torch"}


def waves(t: int, d: int, step: float) -> Tensor:
    angle = torch.arange(t).double()[:, None] * torch.exp(torch.arange((d + 1) // 2).double() * step)
    out = torch.zeros(t, d, dtype=torch.float64)
    out[:, 0::2], out[:, 1::2] = torch.sin(angle), torch.cos(angle[:, : d // 2])
    return out.float()


def faulty(t: int, d: int) -> Tensor:
    return waves(t, d, -math.log(10000.0) * 2 / d // 2)


def mended(t: int, d: int) -> Tensor:
    return waves(t, d, -math.log(10000.0) * 2 / d)
