"""A thread gates all units of the old state by the reset gate of its own unit.

https://github.com/ooples/AiDotNet/pull/722
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


def cell(x: Tensor, h: Tensor, w: tuple[Tensor, ...], of_unit: bool) -> Tensor:
    r = torch.sigmoid(x @ w[0] + h @ w[1] + w[2])
    z = torch.sigmoid(x @ w[3] + h @ w[4] + w[5])
    gated = torch.stack([(r[..., [j]] * h) @ w[7][:, j] for j in range(h.shape[-1])], -1) if of_unit else (r * h) @ w[7]
    return z * h + (1 - z) * torch.tanh(x @ w[6] + gated + w[8])


def faulty(x: Tensor, h: Tensor, *w: Tensor) -> Tensor:
    return cell(x, h, w, of_unit=True)


def mended(x: Tensor, h: Tensor, *w: Tensor) -> Tensor:
    return cell(x, h, w, of_unit=False)
