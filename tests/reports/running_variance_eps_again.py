"""The variance is recovered from the reciprocal deviation, and eps is added to it, where it should be taken off.

https://github.com/flagos-ai/FlagGems/issues/4885
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "running_variance_eps_again.running_variance"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Ioffe and Szegedy 2015, arXiv:1502.03167v3, alg. 2; PyTorch, InstanceNorm"),
    options={"momentum": (0.1, 0.5), "eps": (0.1, 1.0)}, scales={"before": "positive"}, smallest={"n": 2},
)  # fmt: skip
def running_variance(
    x: Float[Given, " n"], before: Float[Given, ""], *, momentum: float, eps: float
) -> Float[Given, ""]:
    """The mean of variances over the steps, with that of a sample; eps is for the kernel alone."""
    i = index("n")
    n = size("n")
    mean = sum(i, x[i]) / n
    variance = sum(i, (x[i] - mean) * (x[i] - mean)) / (n - 1)
    return momentum * variance + (1 - momentum) * before + 0 * eps


def updated(x: Tensor, before: Tensor, momentum: float, variance: Tensor) -> Tensor:
    n = x.shape[-1]
    return momentum * (variance * n / (n - 1)) + (1 - momentum) * before


def faulty(x: Tensor, before: Tensor, *, momentum: float, eps: float) -> Tensor:
    r = torch.rsqrt(x.var(-1, correction=0) + eps)
    return updated(x, before, momentum, 1 / (r * r) + eps)


def mended(x: Tensor, before: Tensor, *, momentum: float, eps: float) -> Tensor:
    return updated(x, before, momentum, x.var(-1, correction=0))
