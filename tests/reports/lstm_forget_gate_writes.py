"""What may be written is multiplied by the forget gate, not by the input gate.

https://github.com/ARM-software/CMSIS-NN/pull/181
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
    _, f, g, o = gates(x, h, w)
    c = f * c + f * g
    return o * torch.tanh(c), c


def mended(x: Tensor, h: Tensor, c: Tensor, *w: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = gates(x, h, w)
    c = f * c + i * g
    return o * torch.tanh(c), c
