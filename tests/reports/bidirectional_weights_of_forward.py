"""The backward half runs with the weights of the forward one.

https://github.com/HKUST-KnowComp/R-Net/issues/13
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.bidirectional_gru"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gru(x: Tensor, h: Tensor, *w: Tensor) -> Tensor:
    states = [x.new_zeros(*x.shape[:-2], 0, h.shape[-1])]
    for row in x.unbind(-2):
        r = torch.sigmoid(row @ w[0] + h @ w[1] + w[2])
        z = torch.sigmoid(row @ w[3] + h @ w[4] + w[5])
        h = z * h + (1 - z) * torch.tanh(row @ w[6] + (r * h) @ w[7] + w[8])
        states.append(h.unsqueeze(-2))
    return torch.cat(states, -2)


def halves(x: Tensor, forward: tuple[Tensor, ...], backward: tuple[Tensor, ...]) -> Tensor:
    h_0 = x.new_zeros(*x.shape[:-2], forward[2].shape[-1])
    return torch.cat([gru(x, h_0, *forward), gru(x.flip(-2), h_0, *backward).flip(-2)], -1)


def faulty(x: Tensor, *w: Tensor) -> Tensor:
    return halves(x, w[:9], w[:9])


def mended(x: Tensor, *w: Tensor) -> Tensor:
    return halves(x, w[:9], w[9:])
