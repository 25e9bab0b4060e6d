"""The forward pass keeps the gates from before their activation, and the backward pass reads them as if from after it.

https://github.com/flagos-ai/FlagGems/issues/5014
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.lstm_cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradients(
    d_h: Tensor, d_c: Tensor, x: Tensor, h: Tensor, c: Tensor, w: tuple[Tensor, ...], raw: bool
) -> tuple[Tensor, ...]:
    before = [x @ w[3 * k] + h @ w[3 * k + 1] + w[3 * k + 2] for k in range(4)]
    i, f, g, o = (torch.tanh(a) if k == 2 else torch.sigmoid(a) for k, a in enumerate(before))
    y = torch.tanh(f * c + i * g)
    if raw:
        i, f, g, o = before
    d_cell = d_c + d_h * o * (1 - y * y)
    d_a = [d_cell * g * i * (1 - i), d_cell * c * f * (1 - f), d_cell * i * (1 - g * g), d_h * y * o * (1 - o)]
    d_x, d_h_before = (sum(a @ w[3 * k + part].T for k, a in enumerate(d_a)) for part in (0, 1))
    assert isinstance(d_x, Tensor)
    assert isinstance(d_h_before, Tensor)
    rows = [(x.unsqueeze(-1) * a.unsqueeze(-2), h.unsqueeze(-1) * a.unsqueeze(-2), a) for a in d_a]
    return d_x, d_h_before, d_cell * f, *(one for three in rows for one in three)


def faulty(d_h_next: Tensor, d_c_next: Tensor, x: Tensor, h: Tensor, c: Tensor, *w: Tensor) -> tuple[Tensor, ...]:
    return gradients(d_h_next, d_c_next, x, h, c, w, raw=True)


def mended(d_h_next: Tensor, d_c_next: Tensor, x: Tensor, h: Tensor, c: Tensor, *w: Tensor) -> tuple[Tensor, ...]:
    return gradients(d_h_next, d_c_next, x, h, c, w, raw=False)
