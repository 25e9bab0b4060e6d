"""The decoder starts from the forward half of the first encoder state, and not from the backward half.

https://github.com/datalogue/keras-attention/issues/4
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention_rnn.bahdanau_decode"
OPTIONS: dict[str, object] = {"framework": "torch"}


def step(y: Tensor, s: Tensor, h: Tensor, w: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    W_a, U_a, v_a = w[:3]
    e = torch.tanh((s @ W_a).unsqueeze(-2) + h @ U_a) @ v_a
    alpha = torch.softmax(e, -1)
    c = (alpha.unsqueeze(-2) @ h).squeeze(-2)
    r = torch.sigmoid(y @ w[3] + s @ w[4] + c @ w[5] + w[6])
    z = torch.sigmoid(y @ w[7] + s @ w[8] + c @ w[9] + w[10])
    candidate = torch.tanh(y @ w[11] + (r * s) @ w[12] + c @ w[13] + w[14])
    return (1 - z) * s + z * candidate, c, alpha


def decode(y: Tensor, h: Tensor, start: Tensor, w: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    U_o, V_o, C_o, W_o = w[16:]
    s = torch.tanh(start @ w[0])
    states = [s.unsqueeze(-2)[..., :0, :]]
    weights = [h.new_zeros(*h.shape[:-2], 0, h.shape[-2])]
    given = [h.new_zeros(*h.shape[:-2], 0, W_o.shape[-1])]
    for row in y.unbind(-2):
        before = s
        s, c, alpha = step(row, s, h, w[1:16])
        pairs = before @ U_o + row @ V_o + c @ C_o
        largest = torch.maximum(pairs[..., ::2], pairs[..., 1::2])
        states.append(s.unsqueeze(-2))
        weights.append(alpha.unsqueeze(-2))
        given.append(torch.softmax(largest @ W_o, -1).unsqueeze(-2))
    return torch.cat(states, -2), torch.cat(weights, -2), torch.cat(given, -2)


def faulty(y: Tensor, h: Tensor, *w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return decode(y, h, h[..., 0, : h.shape[-1] // 2], w)


def mended(y: Tensor, h: Tensor, *w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return decode(y, h, h[..., 0, h.shape[-1] // 2 :], w)
