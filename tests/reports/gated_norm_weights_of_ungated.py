"""The backward pass makes the rows of a gated layer anew without their gate, and learns the next matrix from them.

https://github.com/fla-org/flash-linear-attention/pull/1071
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sigmoid, silu, transpose
from attnspec.notation import Tensor as Given

EQUATION = "gated_norm_weights_of_ungated.gradients"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Shazeer 2020, arXiv:2002.05202v1, sec. 2, differentiated"))
def gradients(
    d_y: Float[Given, "t e"], x: Float[Given, "t d"], g: Float[Given, "t d"], W: Float[Given, "d e"]
) -> tuple[Float[Given, "t d"], Float[Given, "t d"], Float[Given, "d e"]]:
    """The gradients of rows that silu of g gates, and of the matrix behind them."""
    t = index("t")
    gated = (x[t] * silu(g[t])).stack(t)
    d_gated = (d_y @ transpose(W))[t]
    s = sigmoid(g[t])
    d_x = d_gated * silu(g[t])
    d_g = d_gated * x[t] * s * (1 + g[t] * (1 - s))
    d_W = transpose(gated) @ d_y
    return d_x.stack(t), d_g.stack(t), d_W


def backward(d_y: Tensor, x: Tensor, g: Tensor, W: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    s = torch.sigmoid(g)
    d_gated = d_y @ W.mT
    return d_gated * g * s, d_gated * x * s * (1 + g * (1 - s)), rows.mT @ d_y


def faulty(d_y: Tensor, x: Tensor, g: Tensor, W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return backward(d_y, x, g, W, x)


def mended(d_y: Tensor, x: Tensor, g: Tensor, W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return backward(d_y, x, g, W, x * torch.nn.functional.silu(g))
