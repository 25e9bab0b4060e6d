"""The gradient that comes in at the last cell state is ignored.

https://github.com/deeplearning4j/deeplearning4j/issues/8838
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

EQUATION = "backward.lstm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def one(d_h: Tensor, d_c: Tensor, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The gradients of one example, by automatic differentiation."""
    leaves = [part.detach().clone().requires_grad_() for part in inputs]
    x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o = leaves
    total = sum((part * 0).sum() for part in leaves)
    for t in range(len(x)):
        i, f = torch.sigmoid(x[t] @ W_xi + h @ W_hi + b_i), torch.sigmoid(x[t] @ W_xf + h @ W_hf + b_f)
        g, o = torch.tanh(x[t] @ W_xg + h @ W_hg + b_g), torch.sigmoid(x[t] @ W_xo + h @ W_ho + b_o)
        c = f * c + i * g
        h = o * torch.tanh(c)
        total = total + (h * d_h[t]).sum()
    with torch.enable_grad():
        return torch.autograd.grad(total + (c * d_c).sum(), leaves)


def gradient(d_h: Tensor, d_c: Tensor, states: tuple[Tensor, ...], weights: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    with torch.enable_grad():
        found = [
            one(d_h[example], d_c[example], (*(part[example] for part in states), *weights))
            for example in product(*map(range, d_c.shape[:-1]))
        ]
    if not found:
        return tuple(part.new_zeros(*d_c.shape[:-1], *part.shape[d_c.ndim - 1 :]) for part in states) + tuple(
            part.new_zeros(*d_c.shape[:-1], *part.shape) for part in weights
        )
    return tuple(torch.stack(parts).reshape(*d_c.shape[:-1], *parts[0].shape) for parts in zip(*found, strict=True))


def faulty(
    d_h: Tensor, d_c: Tensor, x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    weights = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return gradient(d_h, torch.zeros_like(d_c), (x, h_0, c_0), weights)


def mended(
    d_h: Tensor, d_c: Tensor, x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    weights = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return gradient(d_h, d_c, (x, h_0, c_0), weights)
