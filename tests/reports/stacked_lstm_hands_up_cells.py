"""The second layer reads the cell states of the first one, and not its hidden states.

https://github.com/pytorch/examples/issues/167
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.stacked_lstm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def lstm(x: Tensor, h: Tensor, c: Tensor, *w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """All states, all cell states and the last one of these."""
    states, cells = [x.new_zeros(*x.shape[:-2], 0, h.shape[-1])], [x.new_zeros(*x.shape[:-2], 0, h.shape[-1])]
    for row in x.unbind(-2):
        i, f, g, o = (row @ w[3 * k] + h @ w[3 * k + 1] + w[3 * k + 2] for k in range(4))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h.unsqueeze(-2))
        cells.append(c.unsqueeze(-2))
    return torch.cat(states, -2), torch.cat(cells, -2), c


Layers = tuple[tuple[Tensor, ...], ...]


def faulty(x: Tensor, layers: Layers) -> tuple[Tensor, Tensor]:
    below, h, c = x, x, x
    for layer in layers:
        h, below, c = lstm(below, *layer)
    return h, c


def mended(x: Tensor, layers: Layers) -> tuple[Tensor, Tensor]:
    h, c = x, x
    for layer in layers:
        h, _, c = lstm(h, *layer)
    return h, c
