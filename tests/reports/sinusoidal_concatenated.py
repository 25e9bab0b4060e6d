"""All sines stand before all cosines, and not in turn.

https://github.com/tensorops/TransformerX/issues/115
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "position.sinusoidal"
OPTIONS: dict[str, object] = {"framework": "torch"}


def waves(t: int, d: int) -> tuple[Tensor, Tensor]:
    pair = torch.arange((d + 1) // 2, dtype=torch.float64)
    angle = torch.arange(t, dtype=torch.float64).unsqueeze(-1) / 10000 ** (2 * pair / max(d, 1))
    return angle.sin(), angle.cos()


def faulty(*, t: int, d: int) -> Tensor:
    return torch.cat(waves(t, d), -1)[:, :d].float()


def mended(*, t: int, d: int) -> Tensor:
    return torch.stack(waves(t, d), -1).flatten(-2)[:, :d].float()
