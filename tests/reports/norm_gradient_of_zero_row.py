"""The gradient of a norm is divided by the norm, also where it is 0.

https://github.com/tenstorrent/tt-metal/issues/55585
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "norm_gradient_of_zero_row.norm_gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="PyTorch, torch.linalg.vector_norm, its gradient at 0"))
def norm_gradient(d_r: Float[Given, " n"], x: Float[Given, "n d"]) -> Float[Given, "n d"]:
    """The gradient of the norms of rows: the row over its norm; 0 for a row of zeros."""
    i, k = index("n"), index("d")
    squares = sum(k, x[i, k] * x[i, k])
    d_x = where(squares > 0, d_r[i] * x[i, k] / sqrt(squares), 0)
    return d_x.stack(i, k)


def faulty(d_r: Tensor, x: Tensor) -> Tensor:
    return d_r.unsqueeze(-1) * x / torch.sqrt(x.square().sum(-1, keepdim=True))


def mended(d_r: Tensor, x: Tensor) -> Tensor:
    squares = x.square().sum(-1, keepdim=True)
    return torch.where(squares > 0, d_r.unsqueeze(-1) * x / torch.sqrt(squares), 0)
