"""A GRU that resets after the matrix is exported as one that resets before it.

https://github.com/microsoft/onnxscript/issues/2852
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_reset_after"
OPTIONS: dict[str, object] = {"framework": "torch"}


def run(
    x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor, after: bool,
) -> Tensor:  # fmt: skip
    h = h_0
    rows = []
    for row in x.unbind(-2):
        r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        heard = r * (h @ W_hh + b_hh) if after else (r * h) @ W_hh + b_hh
        h = z * h + (1 - z) * torch.tanh(row @ W_xh + b_h + heard)
        rows.append(h)
    return torch.stack(rows, -2) if rows else x.new_zeros(*x.shape[:-1], b_h.shape[-1])


def faulty(
    x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    return run(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh, after=False)


def mended(
    x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor, b_hh: Tensor,
) -> Tensor:  # fmt: skip
    return run(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh, after=True)
