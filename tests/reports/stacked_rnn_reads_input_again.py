"""Each layer reads the input of the network again, where the sizes let it, and not the layer below.

https://github.com/Currie32/Spell-Checker/issues/12
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.stacked_simple_rnn"
OPTIONS: dict[str, object] = {"framework": "torch"}


Layers = tuple[tuple[Tensor, ...], ...]


def layer_of(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    states = [x.new_zeros(*x.shape[:-2], 0, h.shape[-1])]
    for row in x.unbind(-2):
        h = torch.tanh(row @ W_xh + h @ W_hh + b_h)
        states.append(h.unsqueeze(-2))
    return torch.cat(states, -2)


def faulty(x: Tensor, layers: Layers) -> Tensor:
    h = layer_of(x, *layers[0])
    for layer in layers[1:]:
        h = layer_of(x if x.shape[-1] == layer[1].shape[-2] else h, *layer)
    return h


def mended(x: Tensor, layers: Layers) -> Tensor:
    for layer in layers:
        x = layer_of(x, *layer)
    return x
