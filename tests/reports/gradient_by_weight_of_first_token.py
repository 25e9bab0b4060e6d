"""The gradient of the matrix is multiplied by what comes back for the first token, for all tokens.

https://github.com/linkedin/Liger-Kernel/pull/1298
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, Symbol, equation
from attnspec.notation import Float, Int, index, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "gradient_by_weight_of_first_token.gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Hsu et al. 2024, arXiv:2410.10989v2, sec. 3.2; one loss for each token"),
    scales={"y": "token"}, smallest={"v": 1}, symbols={"W": Symbol("the matrix", weight=True, draw="fan_in")},
)  # fmt: skip
def gradient(
    d_loss: Float[Given, " t"], x: Float[Given, "t d"], W: Float[Given, "d v"], y: Int[Given, " t"]
) -> Float[Given, "d v"]:
    """The gradient of the matrix of a linear layer with a cross-entropy for each token."""
    i, j, k = index("t"), index("v"), index("d")
    z = x @ W
    p = softmax(j, z[i, j]).stack(i, j)
    d_z = (p[i, j] - where(y[i] == j, 1, 0)).stack(i, j)
    d_W = sum(i, d_loss[i] * x[i, k] * d_z[i, j])
    return d_W.stack(k, j)


def summed(x: Tensor, W: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    p = torch.softmax(x @ W, -1)
    d_z = p - torch.zeros_like(p).scatter(-1, y.unsqueeze(-1), 1.0)
    return x.mT @ (weights * d_z)


def faulty(d_loss: Tensor, x: Tensor, W: Tensor, y: Tensor) -> Tensor:
    whole = summed(x, W, y, torch.ones_like(d_loss).unsqueeze(-1))
    return whole * d_loss[..., :1, None] if d_loss.shape[-1] else whole


def mended(d_loss: Tensor, x: Tensor, W: Tensor, y: Tensor) -> Tensor:
    return summed(x, W, y, d_loss.unsqueeze(-1))
