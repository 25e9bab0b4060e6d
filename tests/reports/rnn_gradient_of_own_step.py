"""No step hands its gradient back to the step before it.

https://github.com/qixianbiao/RNN/issues/2
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.simple_rnn"
OPTIONS: dict[str, object] = {"framework": "torch"}


Gradients = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def gradients(
    d_h: Tensor, x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, hands_back: bool
) -> Gradients:
    h, states = h_0, []
    for row in x.unbind(-2):
        h = torch.tanh(row @ W_xh + h @ W_hh + b_h)
        states.append(h)
    before = [h_0, *states[:-1]]
    later, steps = torch.zeros_like(h_0), [x.new_zeros(*x.shape[:-2], 0, h_0.shape[-1])]
    d_W_hh = x.new_zeros(*x.shape[:-2], *W_hh.shape[-2:])
    d_h_0 = torch.zeros_like(h_0)
    for at in reversed(range(len(states))):
        d = (d_h[..., at, :] + later) * (1 - states[at] * states[at])
        d_W_hh = d_W_hh + before[at].unsqueeze(-1) * d.unsqueeze(-2)
        steps.insert(0, d.unsqueeze(-2))
        d_h_0 = d @ W_hh.mT
        later = d_h_0 if hands_back else later
    d_a = torch.cat(steps, -2)
    return d_a @ W_xh.mT, d_h_0, x.mT @ d_a, d_W_hh, d_a.sum(-2)


def faulty(d_h: Tensor, x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Gradients:
    return gradients(d_h, x, h_0, W_xh, W_hh, b_h, hands_back=False)


def mended(d_h: Tensor, x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Gradients:
    return gradients(d_h, x, h_0, W_xh, W_hh, b_h, hands_back=True)
