"""Back through time goes the gradient of the cell alone; that of the hidden state is set to 0 at every step.

https://github.com/ooples/AiDotNet/pull/722
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

EQUATION = "backward.lstm"
OPTIONS: dict[str, object] = {"framework": "torch"}


def one(d_h: Tensor, d_c: Tensor, inputs: tuple[Tensor, ...], recurrent: bool) -> tuple[Tensor, ...]:
    """The gradients of one example, by automatic differentiation."""
    leaves = [part.detach().clone().requires_grad_() for part in inputs]
    x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o = leaves
    total = sum((part * 0).sum() for part in leaves)
    for t in range(len(x)):
        last = h if recurrent else h.detach()
        i, f = torch.sigmoid(x[t] @ W_xi + last @ W_hi + b_i), torch.sigmoid(x[t] @ W_xf + last @ W_hf + b_f)
        g, o = torch.tanh(x[t] @ W_xg + last @ W_hg + b_g), torch.sigmoid(x[t] @ W_xo + last @ W_ho + b_o)
        c = f * c + i * g
        h = o * torch.tanh(c)
        total = total + (h * d_h[t]).sum()
    return torch.autograd.grad(total + (c * d_c).sum(), leaves)


def gradient(
    d_h: Tensor, d_c: Tensor, states: tuple[Tensor, ...], weights: tuple[Tensor, ...], recurrent: bool
) -> tuple[Tensor, ...]:
    batch = d_c.shape[:-1]
    with torch.enable_grad():
        found = [
            one(d_h[example], d_c[example], (*(part[example] for part in states), *weights), recurrent)
            for example in product(*map(range, batch))
        ]
    if not found:
        return (*(torch.zeros_like(part) for part in states), *(torch.zeros_like(part) for part in weights))
    parts = [torch.stack(each) for each in zip(*found, strict=True)]
    return (
        *(part.reshape(*batch, *part.shape[1:]) for part in parts[:3]),
        *(part.sum(0) for part in parts[3:]),
    )


def faulty(
    d_h: Tensor, d_c: Tensor, x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    weights = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return gradient(d_h, d_c, (x, h_0, c_0), weights, recurrent=False)


def mended(
    d_h: Tensor, d_c: Tensor, x: Tensor, h_0: Tensor, c_0: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    weights = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return gradient(d_h, d_c, (x, h_0, c_0), weights, recurrent=True)
