"""The state that is given is not taken: the layer always starts from 0.

https://github.com/nyu-dl/dl4mt-tutorial/pull/65
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru"
OPTIONS: dict[str, object] = {"framework": "torch"}


def states(x: Tensor, h: Tensor, w: tuple[Tensor, ...]) -> Tensor:
    steps = [x.new_zeros(*x.shape[:-2], 0, h.shape[-1])]
    for row in x.unbind(-2):
        r = torch.sigmoid(row @ w[0] + h @ w[1] + w[2])
        z = torch.sigmoid(row @ w[3] + h @ w[4] + w[5])
        h = z * h + (1 - z) * torch.tanh(row @ w[6] + (r * h) @ w[7] + w[8])
        steps.append(h.unsqueeze(-2))
    return torch.cat(steps, -2)


def faulty(x: Tensor, h_0: Tensor, *w: Tensor) -> Tensor:
    return states(x, torch.zeros_like(h_0), w)


def mended(x: Tensor, h_0: Tensor, *w: Tensor) -> Tensor:
    return states(x, h_0, w)
