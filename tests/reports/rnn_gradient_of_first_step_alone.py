"""The gradients of the weights of each step take the place of those of the steps behind it, and are not added.

https://github.com/tensorflow/swift-apis/issues/518
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.simple_rnn"
OPTIONS: dict[str, object] = {"framework": "torch"}


Gradients = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def gradients(
    d_h: Tensor, x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, added: bool
) -> Gradients:  # fmt: skip
    h, states = h_0, []
    for row in x.unbind(-2):
        h = torch.tanh(row @ W_xh + h @ W_hh + b_h)
        states.append(h)
    before = [h_0, *states[:-1]]
    later, steps = torch.zeros_like(h_0), [x.new_zeros(*x.shape[:-2], 0, W_xh.shape[-2])]
    d_W_xh, d_W_hh = x.new_zeros(*x.shape[:-2], *W_xh.shape), x.new_zeros(*x.shape[:-2], *W_hh.shape)
    d_b = torch.zeros_like(later)
    for at in reversed(range(len(states))):
        d = (d_h[..., at, :] + later) * (1 - states[at] * states[at])
        of_x, of_h = x[..., at, :].unsqueeze(-1) * d.unsqueeze(-2), before[at].unsqueeze(-1) * d.unsqueeze(-2)
        d_W_xh, d_W_hh, d_b = (d_W_xh + of_x, d_W_hh + of_h, d_b + d) if added else (of_x, of_h, d)
        steps.insert(1, (d @ W_xh.mT).unsqueeze(-2))
        later = d @ W_hh.mT
    return torch.cat(steps, -2), later, d_W_xh, d_W_hh, d_b


def faulty(d_h: Tensor, x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Gradients:
    return gradients(d_h, x, h_0, W_xh, W_hh, b_h, added=False)


def mended(d_h: Tensor, x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Gradients:
    return gradients(d_h, x, h_0, W_xh, W_hh, b_h, added=True)
