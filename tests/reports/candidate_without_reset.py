"""The candidate reads the state as it is; the reset gate is computed, and nothing reads it.

https://github.com/zhiyongc/GRU-D/issues/2
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_cell_update_writes"
OPTIONS: dict[str, object] = {"framework": "torch"}


def joined(x: Tensor, h: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor) -> Tensor:
    return torch.cat([x, h], -1) @ torch.cat([W_x, W_h]) + b


def faulty(
    x: Tensor, h: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:  # fmt: skip
    z = torch.sigmoid(joined(x, h, W_xz, W_hz, b_z))
    h_tilde = torch.tanh(joined(x, h, W_xh, W_hh, b_h))
    return (1 - z) * h + z * h_tilde


def mended(
    x: Tensor, h: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:  # fmt: skip
    z = torch.sigmoid(joined(x, h, W_xz, W_hz, b_z))
    r = torch.sigmoid(joined(x, h, W_xr, W_hr, b_r))
    h_tilde = torch.tanh(joined(x, r * h, W_xh, W_hh, b_h))
    return (1 - z) * h + z * h_tilde
