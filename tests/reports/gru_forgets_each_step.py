"""Each step starts from the first state: no step sees the state that the one before it gave.

https://github.com/tracel-ai/burn/issues/2701
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_reset_after"
OPTIONS: dict[str, object] = {"framework": "torch"}


def run(x: Tensor, h_0: Tensor, weights: tuple[Tensor, ...], goes_on: bool) -> Tensor:
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh = weights
    h, rows = h_0, []
    for t in range(x.shape[-2]):
        before, row = h if goes_on else h_0, x[..., t, :]
        r = torch.sigmoid(row @ W_xr + before @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + before @ W_hz + b_z)
        candidate = torch.tanh(row @ W_xh + b_h + r * (before @ W_hh + b_hh))
        h = z * before + (1 - z) * candidate
        rows.append(h)
    return torch.stack(rows, -2) if rows else torch.zeros(*h_0.shape[:-1], 0, h_0.shape[-1], dtype=h_0.dtype)


def faulty(
    x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    return run(x, h_0, (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh), goes_on=False)


def mended(
    x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    return run(x, h_0, (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh), goes_on=True)
