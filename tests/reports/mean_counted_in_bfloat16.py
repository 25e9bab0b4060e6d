"""The rows of a mean are counted in bfloat16, where 256 + 1 is 256.

https://github.com/pytorch/pytorch/issues/139242
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "mean_counted_in_bfloat16.averaged"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


@equation(Source(paper="PyTorch, index_reduce with mean"), scales={"k": "token"})
def averaged(x: Float[Given, "n d"], k: Int[Given, " n"], P: Float[Given, "v d"]) -> Float[Given, "v d"]:
    """The mean of the rows of each token; a token without rows keeps its own."""
    i, w = index("n"), index("v")
    count = sum(i, 1, where=k[i] == w).stack(w)
    total = sum(i, x[i], where=k[i] == w).stack(w)
    y = where(count[w] > 0, total[w] / where(count[w] > 0, count[w], 1), P[w])
    return y.stack(w)


def mean(x: Tensor, k: Tensor, P: Tensor, largest: float) -> Tensor:
    rows = (k.unsqueeze(-2) == torch.arange(P.shape[-2]).unsqueeze(-1)).float()
    count = rows.sum(-1, keepdim=True).clamp(max=largest)
    total = rows @ x.float()
    return torch.where(count > 0, total / count.clamp(min=1), P.float()).to(x.dtype)


def faulty(x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    return mean(x, k, P, largest=256.0)


def mended(x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    return mean(x, k, P, largest=float("inf"))
