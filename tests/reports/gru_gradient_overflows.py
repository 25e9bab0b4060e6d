"""The slope of a sigmoid is exp(−a) / (1 + exp(−a))², which is ∞ by ∞ where a is far below 0.

https://github.com/jeshraghian/snntorch/pull/433
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.gru_cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


def slope_of_exponentials(a: Tensor) -> Tensor:
    return torch.exp(-a) / (torch.exp(-a) + 1) ** 2


def slope(a: Tensor) -> Tensor:
    return torch.sigmoid(a) * torch.sigmoid(-a)


def gradients(d: Tensor, x: Tensor, h: Tensor, w: tuple[Tensor, ...], stable: bool) -> tuple[Tensor, ...]:
    steep = slope if stable else slope_of_exponentials
    a_r, a_z = x @ w[0] + h @ w[1] + w[2], x @ w[3] + h @ w[4] + w[5]
    r, z = torch.sigmoid(a_r), torch.sigmoid(a_z)
    new = torch.tanh(x @ w[6] + (r * h) @ w[7] + w[8])
    d_new = d * (1 - z) * (1 - new * new)
    d_read = d_new @ w[7].transpose(-1, -2)
    d_r, d_z = d_read * h * steep(a_r), d * (h - new) * steep(a_z)
    d_h = d * z + d_read * r + d_r @ w[1].transpose(-1, -2) + d_z @ w[4].transpose(-1, -2)
    d_x = d_r @ w[0].transpose(-1, -2) + d_z @ w[3].transpose(-1, -2) + d_new @ w[6].transpose(-1, -2)
    found = [d_x, d_h]
    for each, state in ((d_r, h), (d_z, h), (d_new, r * h)):
        found += [x.unsqueeze(-1) * each.unsqueeze(-2), state.unsqueeze(-1) * each.unsqueeze(-2), each]
    return tuple(found)


def faulty(d_h_next: Tensor, x: Tensor, h: Tensor, *w: Tensor) -> tuple[Tensor, ...]:
    return gradients(d_h_next, x, h, w, stable=False)


def mended(d_h_next: Tensor, x: Tensor, h: Tensor, *w: Tensor) -> tuple[Tensor, ...]:
    return gradients(d_h_next, x, h, w, stable=True)
