"""A GRU cell with a slip in it. `attnspec verify examples/swapped_gate.py` says which."""

import torch
from torch import Tensor

from attnspec import implements


@implements("recurrent.gru_cell", framework="torch")
def gru_cell(
    x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:  # fmt: skip
    """One step: which part is kept and which is new has been mixed up."""
    r = torch.sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = torch.sigmoid(x @ W_xz + h @ W_hz + b_z)
    h_tilde = torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    return (1 - z) * h + z * h_tilde
