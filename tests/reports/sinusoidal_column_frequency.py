"""The frequency of a column is made from its own number, not from that of its pair.

https://github.com/Kyubyong/transformer/issues/19
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "position.sinusoidal"
OPTIONS: dict[str, object] = {"framework": "torch"}


def waves(t: int, d: int, pair: Tensor) -> Tensor:
    column = torch.arange(d)
    angle = torch.arange(t).double()[:, None] / 10000.0 ** (2 * pair.double() / max(d, 1))
    return torch.where(column % 2 == 0, torch.sin(angle), torch.cos(angle)).float()


def faulty(t: int, d: int) -> Tensor:
    return waves(t, d, torch.arange(d))


def mended(t: int, d: int) -> Tensor:
    return waves(t, d, torch.arange(d) // 2)
