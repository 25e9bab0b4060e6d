"""The last state of a sequence without steps is that after one step on zeros.

https://github.com/fangwei123456/spikingjelly/pull/662
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.lstm"
OPTIONS: dict[str, object] = {"framework": "torch"}


State = tuple[Tensor, Tensor]


def step(x: Tensor, h: Tensor, c: Tensor, w: tuple[Tensor, ...]) -> State:
    i, f, g, o = (x @ w[3 * k] + h @ w[3 * k + 1] + w[3 * k + 2] for k in range(4))
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def run(x: Tensor, h: Tensor, c: Tensor, w: tuple[Tensor, ...], try_one: bool) -> State:
    if not x.shape[-2]:
        none = h.new_zeros(*h.shape[:-1], 0, h.shape[-1])
        return none, step(x.new_zeros(*x.shape[:-2], x.shape[-1]), h, c, w)[1] if try_one else c.clone()
    rows = []
    for t in range(x.shape[-2]):
        h, c = step(x[..., t, :], h, c, w)
        rows.append(h)
    return torch.stack(rows, -2), c


def faulty(x: Tensor, h_0: Tensor, c_0: Tensor, *w: Tensor) -> State:
    return run(x, h_0, c_0, w, try_one=True)


def mended(x: Tensor, h_0: Tensor, c_0: Tensor, *w: Tensor) -> State:
    return run(x, h_0, c_0, w, try_one=False)
