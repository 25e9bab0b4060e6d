"""The activation of the cell is applied to the hidden state once more.

https://github.com/apache/tvm/pull/19634
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.lstm_cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gates(x: Tensor, h: Tensor, w: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    i, f, g, o = (x @ w[3 * k] + h @ w[3 * k + 1] + w[3 * k + 2] for k in range(4))
    return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)


def faulty(x: Tensor, h: Tensor, c: Tensor, *w: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = gates(x, h, w)
    c = f * c + i * g
    return torch.tanh(o * torch.tanh(c)), c


def mended(x: Tensor, h: Tensor, c: Tensor, *w: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = gates(x, h, w)
    c = f * c + i * g
    return o * torch.tanh(c), c
