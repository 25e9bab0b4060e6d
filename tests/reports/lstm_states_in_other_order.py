"""The states come back step by step in memory, and are taken to lie example by example.

https://github.com/pytorch/pytorch/issues/80306
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.lstm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def lstm(x: Tensor, h: Tensor, c: Tensor, w: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    states = []
    for row in x.unbind(-2):
        i, f, g, o = (row @ w[3 * k] + h @ w[3 * k + 1] + w[3 * k + 2] for k in range(4))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1]), c


def faulty(x: Tensor, h_0: Tensor, c_0: Tensor, *w: Tensor) -> tuple[Tensor, Tensor]:
    h, c = lstm(x, h_0, c_0, w)
    return (h.transpose(0, 1).reshape(h.shape) if x.ndim == 3 else h), c


def mended(x: Tensor, h_0: Tensor, c_0: Tensor, *w: Tensor) -> tuple[Tensor, Tensor]:
    return lstm(x, h_0, c_0, w)
