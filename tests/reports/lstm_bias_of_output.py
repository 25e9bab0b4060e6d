"""Input gate and forget gate have the bias of the output gate.

https://github.com/ddbourgin/numpy-ml/issues/42
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.lstm_cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(
    x: Tensor, h: Tensor, c: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return mended(x, h, c, W_xi, W_hi, b_o, W_xf, W_hf, b_o, W_xg, W_hg, b_g, W_xo, W_ho, b_o)


def mended(
    x: Tensor, h: Tensor, c: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    i, f = torch.sigmoid(x @ W_xi + h @ W_hi + b_i), torch.sigmoid(x @ W_xf + h @ W_hf + b_f)
    g, o = torch.tanh(x @ W_xg + h @ W_hg + b_g), torch.sigmoid(x @ W_xo + h @ W_ho + b_o)
    c = f * c + i * g
    return o * torch.tanh(c), c
