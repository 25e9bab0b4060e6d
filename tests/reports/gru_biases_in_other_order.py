"""The weights are taken in the order in which they come, the biases always as if the update gate came first.

https://github.com/openvinotoolkit/openvino/pull/17651
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


def cell(x: Tensor, h: Tensor, W_r: Tensor, U_r: Tensor, b_r: Tensor, W_z: Tensor, U_z: Tensor, b_z: Tensor,
         W_h: Tensor, U_h: Tensor, b_h: Tensor) -> Tensor:  # fmt: skip
    r, z = torch.sigmoid(x @ W_r + h @ U_r + b_r), torch.sigmoid(x @ W_z + h @ U_z + b_z)
    return z * h + (1 - z) * torch.tanh(x @ W_h + (r * h) @ U_h + b_h)


def faulty(x: Tensor, h: Tensor, *w: Tensor) -> Tensor:
    W_r, U_r, b_r, W_z, U_z, b_z, *candidate = w
    return cell(x, h, W_r, U_r, b_z, W_z, U_z, b_r, *candidate)


def mended(x: Tensor, h: Tensor, *w: Tensor) -> Tensor:
    return cell(x, h, *w)
