"""The two rows of biases are transposed as the matrices are, and read as if they were not.

https://github.com/majianjia/nnom/pull/82
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_cell_reset_after"
OPTIONS: dict[str, object] = {"framework": "torch"}


def cell(x: Tensor, h: Tensor, w: tuple[Tensor, ...], transposes: bool) -> Tensor:
    W_r, U_r, b_r, W_z, U_z, b_z, W_h, U_h, b_h, b_hh = w
    packed = torch.stack([torch.cat([b_r, b_z, b_h]), torch.cat([0 * b_r, 0 * b_z, b_hh])])  # of input and of state
    if transposes:
        packed = packed.T.reshape(packed.shape)
    (i_r, i_z, i_h), (s_r, s_z, s_h) = (row.chunk(3) for row in packed)
    r, z = torch.sigmoid(x @ W_r + i_r + h @ U_r + s_r), torch.sigmoid(x @ W_z + i_z + h @ U_z + s_z)
    return z * h + (1 - z) * torch.tanh(x @ W_h + i_h + r * (h @ U_h + s_h))


def faulty(x: Tensor, h: Tensor, *w: Tensor) -> Tensor:
    return cell(x, h, w, transposes=True)


def mended(x: Tensor, h: Tensor, *w: Tensor) -> Tensor:
    return cell(x, h, w, transposes=False)
