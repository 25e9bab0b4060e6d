"""The log-sum-exp is made whole, with the largest score in it, before it is taken off.

https://github.com/ml-explore/mlx/pull/4169
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, log_softmax
from attnspec.notation import Tensor as Given

EQUATION = "log_softmax_less_log_sum.rows"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Bridle 1990, of which the logarithm is taken"), scales={"e": "scores"})
def rows(e: Float[Given, "n m"]) -> Float[Given, "n m"]:
    """The logarithms of the weights of each row."""
    i, j = index("n"), index("m")
    y = log_softmax(j, e[i, j])
    return y.stack(i, j)


def faulty(e: Tensor) -> Tensor:
    return e - torch.logsumexp(e, -1, keepdim=True)


def mended(e: Tensor) -> Tensor:
    return torch.log_softmax(e, -1)
