"""The biases of the input gate and of the output gate get the gradient of that of the forget gate.

https://github.com/hanbt/learn_dl/issues/53
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.lstm_cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(
    d_h_next: Tensor, d_c_next: Tensor, x: Tensor, h: Tensor, c: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    i, f = torch.sigmoid(x @ W_xi + h @ W_hi + b_i), torch.sigmoid(x @ W_xf + h @ W_hf + b_f)
    g, o = torch.tanh(x @ W_xg + h @ W_hg + b_g), torch.sigmoid(x @ W_xo + h @ W_ho + b_o)
    y = torch.tanh(f * c + i * g)
    d_cell = d_c_next + d_h_next * o * (1 - y * y)
    d_i, d_f = d_cell * g * i * (1 - i), d_cell * c * f * (1 - f)
    d_g, d_o = d_cell * i * (1 - g * g), d_h_next * y * o * (1 - o)
    d_x = d_i @ W_xi.mT + d_f @ W_xf.mT + d_g @ W_xg.mT + d_o @ W_xo.mT
    d_h = d_i @ W_hi.mT + d_f @ W_hf.mT + d_g @ W_hg.mT + d_o @ W_ho.mT
    weights = [(x[..., None] * d[..., None, :], h[..., None] * d[..., None, :], d) for d in (d_i, d_f, d_g, d_o)]
    return (d_x, d_h, d_cell * f, *weights[0], *weights[1], *weights[2], *weights[3])


def faulty(
    d_h_next: Tensor, d_c_next: Tensor, x: Tensor, h: Tensor, c: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    found = list(
        gradient(d_h_next, d_c_next, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    )
    found[5] = found[14] = found[8]
    return tuple(found)


def mended(
    d_h_next: Tensor, d_c_next: Tensor, x: Tensor, h: Tensor, c: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    return gradient(d_h_next, d_c_next, x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
