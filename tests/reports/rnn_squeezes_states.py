"""Each state is squeezed before it is appended: a batch of one example, or a width of 1, is lost.

https://github.com/salesforce/pytorch-qrnn/issues/11
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.simple_rnn"
OPTIONS: dict[str, object] = {"framework": "torch"}


def run(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, squeezes: bool) -> Tensor:
    states = []
    for row in x.unbind(-2):
        h = torch.tanh(row @ W_xh + h @ W_hh + b_h)
        states.append(h.squeeze() if squeezes else h)
    return torch.stack(states, -2 if states[0].ndim else 0) if states else x.new_zeros(*h.shape[:-1], 0, h.shape[-1])


def faulty(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    return run(x, h_0, W_xh, W_hh, b_h, squeezes=True)


def mended(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    return run(x, h_0, W_xh, W_hh, b_h, squeezes=False)
