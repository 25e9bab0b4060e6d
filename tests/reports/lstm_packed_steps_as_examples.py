"""Packed data, which holds all examples step by step, is read as if it held example by example.

https://github.com/pytorch/pytorch/issues/95118
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
    if x.ndim == 2:
        return lstm(x, h_0, c_0, w)
    batch, steps, _ = x.shape
    h, c = lstm(x.transpose(0, 1).reshape(x.shape), h_0, c_0, w)
    return h.reshape(steps, batch, h.shape[-1]).transpose(0, 1), c


def mended(x: Tensor, h_0: Tensor, c_0: Tensor, *w: Tensor) -> tuple[Tensor, Tensor]:
    return lstm(x, h_0, c_0, w)
