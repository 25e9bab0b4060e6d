"""The running mean gets the correction of a sample's variance too.

https://github.com/chainer/chainer/issues/332
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "running_mean_unbiased_too.running"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Ioffe and Szegedy 2015, arXiv:1502.03167v3, alg. 2"),
    options={"decay": (0.9, 0.5)}, scales={"variance": "positive"}, smallest={"n": 2},
)  # fmt: skip
def running(
    x: Float[Given, " n"], mean: Float[Given, ""], variance: Float[Given, ""], *, decay: float
) -> tuple[Float[Given, ""], Float[Given, ""]]:
    """The averages of the mean and of the variance of a sample, over steps."""
    i = index("n")
    n = size("n")
    m = sum(i, x[i]) / n
    s = sum(i, (x[i] - m) * (x[i] - m)) / (n - 1)
    return decay * mean + (1 - decay) * m, decay * variance + (1 - decay) * s


def averages(x: Tensor, mean: Tensor, variance: Tensor, decay: float, factor: float) -> tuple[Tensor, Tensor]:
    n = x.shape[-1]
    s = torch.var(x, -1, correction=0) * (n / (n - 1))
    return decay * mean + (1 - decay) * factor * x.mean(-1), decay * variance + (1 - decay) * s


def faulty(x: Tensor, mean: Tensor, variance: Tensor, *, decay: float) -> tuple[Tensor, Tensor]:
    return averages(x, mean, variance, decay, x.shape[-1] / (x.shape[-1] - 1))


def mended(x: Tensor, mean: Tensor, variance: Tensor, *, decay: float) -> tuple[Tensor, Tensor]:
    return averages(x, mean, variance, decay, 1.0)
