"""Biases are added in a grid with a block for each row of the batch, which is not launched beyond 65,536 rows.

https://github.com/ROCm/rocm-libraries/issues/10551
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.lstm"
OPTIONS: dict[str, object] = {"framework": "torch"}


LARGEST_GRID = 65_536


def layer(x: Tensor, h: Tensor, c: Tensor, weights: tuple[Tensor, ...], largest: float) -> tuple[Tensor, Tensor]:
    added = 0.0 if x[..., 0].numel() > largest else 1.0
    (W_xi, W_hi, b_i), (W_xf, W_hf, b_f), (W_xg, W_hg, b_g), (W_xo, W_ho, b_o) = (
        (weights[at], weights[at + 1], added * weights[at + 2]) for at in range(0, 12, 3)
    )
    states = [h.unsqueeze(-2)[..., :0, :]]
    for row in x.unbind(-2):
        i, f = torch.sigmoid(row @ W_xi + h @ W_hi + b_i), torch.sigmoid(row @ W_xf + h @ W_hf + b_f)
        g, o = torch.tanh(row @ W_xg + h @ W_hg + b_g), torch.sigmoid(row @ W_xo + h @ W_ho + b_o)
        c = f * c + i * g
        h = o * torch.tanh(c)
        states.append(h.unsqueeze(-2))
    return torch.cat(states, -2), c.clone()


def faulty(
    x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    weights = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return layer(x, h_0, c_0, weights, LARGEST_GRID)


def mended(
    x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    weights = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return layer(x, h_0, c_0, weights, float("inf"))
