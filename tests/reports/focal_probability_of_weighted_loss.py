"""What is taken for the target's probability is made of a loss that the weight of its class has multiplied.

https://github.com/gokulprasadthekkel/pytorch-multi-class-focal-loss/issues/1
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, exp, index, log_softmax
from attnspec.notation import Tensor as Given

EQUATION = "focal_probability_of_weighted_loss.loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Lin et al. 2017, arXiv:1708.02002v2, eq. 5"), options={"gamma": (2.0, 3.0, 1.0)},
    scales={"z": "scores", "y": "token", "weight": "positive"}, smallest={"v": 1},
)  # fmt: skip
def loss(z: Float[Given, " v"], y: Int[Given, ""], weight: Float[Given, " v"], *, gamma: float) -> Float[Given, ""]:
    """A cross-entropy with a weight for each class, which counts the less the better the target is predicted."""
    k = index("v")
    log_p = log_softmax(k, z[k]).stack(k)
    return 0 - weight[y] * (1 - exp(log_p[y])) ** gamma * log_p[y]


def picked(a: Tensor, y: Tensor) -> Tensor:
    return a.gather(-1, y[..., None]).squeeze(-1)


def parts(z: Tensor, y: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return -picked(torch.log_softmax(z, -1), y), picked(weight.expand(z.shape), y)


def faulty(z: Tensor, y: Tensor, weight: Tensor, *, gamma: float) -> Tensor:
    nll, w = parts(z, y, weight)
    weighted = w * nll
    p = torch.exp(-weighted)
    return (1 - p) ** gamma * weighted


def mended(z: Tensor, y: Tensor, weight: Tensor, *, gamma: float) -> Tensor:
    nll, w = parts(z, y, weight)
    p = torch.exp(-nll)
    return w * (1 - p) ** gamma * nll
