"""A converter puts the one bias of Keras into both biases of ONNX.

https://github.com/onnx/keras-onnx/issues/98
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.lstm_cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


def cell(times: int, x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
    gates = [x @ weights[at] + h @ weights[at + 1] + times * weights[at + 2] for at in range(0, 12, 3)]
    c = torch.sigmoid(gates[1]) * c + torch.sigmoid(gates[0]) * torch.tanh(gates[2])
    return torch.sigmoid(gates[3]) * torch.tanh(c), c


def faulty(
    x: Tensor, h: Tensor, c: Tensor, W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return cell(2, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)


def mended(
    x: Tensor, h: Tensor, c: Tensor, W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return cell(1, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
