"""All layers start from the first state of the bottom one, where the sizes let them.

https://github.com/pclucas14/GansFallingShort/pull/2
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.stacked_gru"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gru(x: Tensor, h: Tensor, *w: Tensor) -> Tensor:
    states = [x.new_zeros(*x.shape[:-2], 0, h.shape[-1])]
    for row in x.unbind(-2):
        r = torch.sigmoid(row @ w[0] + h @ w[1] + w[2])
        z = torch.sigmoid(row @ w[3] + h @ w[4] + w[5])
        h = z * h + (1 - z) * torch.tanh(row @ w[6] + (r * h) @ w[7] + w[8])
        states.append(h.unsqueeze(-2))
    return torch.cat(states, -2)


Layers = tuple[tuple[Tensor, ...], ...]


def faulty(x: Tensor, layers: Layers) -> Tensor:
    first = layers[0][0]
    for h_0, *weights in layers:
        x = gru(x, first if first.shape == h_0.shape else h_0, *weights)
    return x


def mended(x: Tensor, layers: Layers) -> Tensor:
    for layer in layers:
        x = gru(x, *layer)
    return x
