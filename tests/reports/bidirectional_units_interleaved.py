"""The states of both directions are put side by side unit for unit, and not one half behind the other.

https://github.com/pytorch/pytorch/pull/11368
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.bidirectional_simple_rnn"
OPTIONS: dict[str, object] = {"framework": "torch"}


def rnn(x: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    h = x.new_zeros(*x.shape[:-2], b_h.shape[-1])
    states = [h.unsqueeze(-2)[..., :0, :]]
    for row in x.unbind(-2):
        h = torch.tanh(row @ W_xh + h @ W_hh + b_h)
        states.append(h.unsqueeze(-2))
    return torch.cat(states, -2)


def faulty(
    x: Tensor, W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor, W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor
) -> Tensor:
    forward, backward = rnn(x, W_xh_f, W_hh_f, b_h_f), rnn(x.flip(-2), W_xh_b, W_hh_b, b_h_b).flip(-2)
    return torch.stack([forward, backward], -1).flatten(-2)


def mended(
    x: Tensor, W_xh_f: Tensor, W_hh_f: Tensor, b_h_f: Tensor, W_xh_b: Tensor, W_hh_b: Tensor, b_h_b: Tensor
) -> Tensor:
    return torch.cat([rnn(x, W_xh_f, W_hh_f, b_h_f), rnn(x.flip(-2), W_xh_b, W_hh_b, b_h_b).flip(-2)], -1)
