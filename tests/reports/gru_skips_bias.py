"""At a first step from a state of zero, the recurrent part is skipped together with its bias.

https://github.com/ml-explore/mlx/issues/3249
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_reset_after"
OPTIONS: dict[str, object] = {"framework": "torch"}


def run(skips: bool, x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh = weights
    states = []
    for t in range(x.shape[-2]):
        row = x[..., t, :]
        r, z = torch.sigmoid(row @ W_xr + h @ W_hr + b_r), torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        recurrent = 0 if skips and t == 0 and not h.any() else h @ W_hh + b_hh
        h = z * h + (1 - z) * torch.tanh(row @ W_xh + b_h + r * recurrent)
        states.append(h)
    return torch.stack(states, -2) if states else x.new_zeros(*x.shape[:-1], h.shape[-1])


def faulty(
    x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    return run(True, x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)


def mended(
    x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    return run(False, x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh)
