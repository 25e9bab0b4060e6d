"""The probabilities are added to the gradient, where their share of its sum is to be taken off.

https://github.com/mlpack/mlpack/issues/2360
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "log_softmax_gradient_adds_share.gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Bridle 1990, sec. 3; by the chain rule"))
def gradient(d_y: Float[Given, " m"], y: Float[Given, " m"]) -> Float[Given, " m"]:
    """The gradient of scores by that of their log-softmax y."""
    j = index("m")
    total = sum(j, d_y[j])
    return (d_y[j] - exp(y[j]) * total).stack(j)


def faulty(d_y: Tensor, y: Tensor) -> Tensor:
    return torch.exp(y) + d_y


def mended(d_y: Tensor, y: Tensor) -> Tensor:
    return d_y - torch.exp(y) * d_y.sum(-1, keepdim=True)
