"""Gates are kept in the order f, i, g, o and read in the order i, f, g, o.

https://github.com/ooples/AiDotNet.Tensors/pull/907
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.lstm_gates"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(
    saved: tuple[Tensor, Tensor, Tensor, Tensor], d_h_next: Tensor, d_c_next: Tensor, c: Tensor, c_next: Tensor,
    W_hi: Tensor, W_hf: Tensor, W_hg: Tensor, W_ho: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    i, f, g, o = saved
    y = torch.tanh(c_next)
    d_cell = d_c_next + d_h_next * o * (1 - y * y)
    d_i, d_f = d_cell * g * i * (1 - i), d_cell * c * f * (1 - f)
    d_g, d_o = d_cell * i * (1 - g * g), d_h_next * y * o * (1 - o)
    return d_i @ W_hi.mT + d_f @ W_hf.mT + d_g @ W_hg.mT + d_o @ W_ho.mT, d_cell * f, d_i, d_f, d_g, d_o


def faulty(
    d_h_next: Tensor, d_c_next: Tensor, c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor, c_next: Tensor,
    W_hi: Tensor, W_hf: Tensor, W_hg: Tensor, W_ho: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    return gradient((f, i, g, o), d_h_next, d_c_next, c, c_next, W_hi, W_hf, W_hg, W_ho)


def mended(
    d_h_next: Tensor, d_c_next: Tensor, c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor, c_next: Tensor,
    W_hi: Tensor, W_hf: Tensor, W_hg: Tensor, W_ho: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    return gradient((i, f, g, o), d_h_next, d_c_next, c, c_next, W_hi, W_hf, W_hg, W_ho)
