"""The waves are slower by columns, not by pairs, and to the base 1,000, not 10,000.

https://github.com/maxjcohen/transformer/issues/62
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "position.sinusoidal"
OPTIONS: dict[str, object] = {"framework": "torch"}


def waves(base: float, exponent: Tensor, t: int, d: int) -> Tensor:
    angle = torch.arange(t)[:, None].double() / base ** (exponent.double() / max(d, 1))
    return torch.where(torch.arange(d) % 2 == 0, torch.sin(angle), torch.cos(angle)).float()


def faulty(t: int, d: int) -> Tensor:
    return waves(1000, torch.arange(d), t, d)


def mended(t: int, d: int) -> Tensor:
    return waves(10000, torch.arange(d) // 2 * 2, t, d)
