"""Both biases of the candidate are added up to one, so that the reset gate no longer acts on one of them.

https://github.com/apple/coremltools/issues/1124
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_cell_reset_after"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(
    x: Tensor, h: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    r = torch.sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = torch.sigmoid(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + r * (h @ W_hh) + (b_h + b_hh))


def mended(
    x: Tensor, h: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    r = torch.sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = torch.sigmoid(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_xh + b_h + r * (h @ W_hh + b_hh))
