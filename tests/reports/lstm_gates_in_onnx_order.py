"""Weights are stored in the order of ONNX, input, output, forget, cell, and read as input, forget, cell, output.

https://github.com/CrispStrobe/CrispASR/pull/106
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.lstm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def run(x: Tensor, h: Tensor, c: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor, order: str) -> tuple[Tensor, Tensor]:
    rows = []
    for row in x.unbind(-2):
        gates = dict(zip(order, (row @ W_x + h @ W_h + b).chunk(4, -1), strict=True))
        c = torch.sigmoid(gates["f"]) * c + torch.sigmoid(gates["i"]) * torch.tanh(gates["g"])
        h = torch.sigmoid(gates["o"]) * torch.tanh(c)
        rows.append(h)
    return torch.stack(rows, -2) if rows else x.new_zeros(*x.shape[:-1], h.shape[-1]), c


def faulty(
    x: Tensor, h_0: Tensor, c_0: Tensor, W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor,
    b_f: Tensor, W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    W_x, W_h = torch.cat([W_xi, W_xo, W_xf, W_xg], -1), torch.cat([W_hi, W_ho, W_hf, W_hg], -1)
    return run(x, h_0, c_0, W_x, W_h, torch.cat([b_i, b_o, b_f, b_g], -1), "ifgo")


def mended(
    x: Tensor, h_0: Tensor, c_0: Tensor, W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor,
    b_f: Tensor, W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    W_x, W_h = torch.cat([W_xi, W_xo, W_xf, W_xg], -1), torch.cat([W_hi, W_ho, W_hf, W_hg], -1)
    return run(x, h_0, c_0, W_x, W_h, torch.cat([b_i, b_o, b_f, b_g], -1), "iofg")
