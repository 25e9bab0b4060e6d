"""What is added to each target is 1 over their number, and not the smoothing over it.

https://github.com/TimDettmers/ConvE/issues/55
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softplus, sum
from attnspec.notation import Tensor as Given

EQUATION = "smoothing_adds_whole_share.loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Dettmers et al. 2017, arXiv:1707.01476v6, eq. 2 and sec. 5.2"),
    options={"smoothing": (0.1, 0.3)}, scales={"z": "scores", "y": "uniform"},
)  # fmt: skip
def loss(z: Float[Given, " v"], y: Float[Given, " v"], *, smoothing: float) -> Float[Given, ""]:
    """The mean binary cross-entropy of targets that are mixed with the uniform distribution."""
    k = index("v")
    v = size("v")
    target = (1 - smoothing) * y[k] + smoothing / v
    return sum(k, softplus(z[k]) - target * z[k]) / v


def cost(z: Tensor, target: Tensor) -> Tensor:
    return (torch.nn.functional.softplus(z) - target * z).mean(-1)


def faulty(z: Tensor, y: Tensor, *, smoothing: float) -> Tensor:
    return cost(z, (1 - smoothing) * y + 1 / y.shape[-1])


def mended(z: Tensor, y: Tensor, *, smoothing: float) -> Tensor:
    return cost(z, (1 - smoothing) * y + smoothing / y.shape[-1])
