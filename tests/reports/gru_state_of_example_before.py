"""The first state is set once, and each example of a batch goes on from the last state of the one before.

https://github.com/alibaba/MNN/issues/1573
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gru(x: Tensor, h: Tensor, w: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    W_r, U_r, b_r, W_z, U_z, b_z, W_h, U_h, b_h = w
    states = []
    for row in x.unbind(-2):
        r, z = torch.sigmoid(row @ W_r + h @ U_r + b_r), torch.sigmoid(row @ W_z + h @ U_z + b_z)
        h = z * h + (1 - z) * torch.tanh(row @ W_h + (r * h) @ U_h + b_h)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1]), h


def faulty(x: Tensor, h_0: Tensor, *w: Tensor) -> Tensor:
    if x.ndim == 2 or not len(x):
        return gru(x, h_0, w)[0]
    h, outputs = h_0[0], []
    for example in x:
        y, h = gru(example, h, w)
        outputs.append(y)
    return torch.stack(outputs)


def mended(x: Tensor, h_0: Tensor, *w: Tensor) -> Tensor:
    return gru(x, h_0, w)[0]
