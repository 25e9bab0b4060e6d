"""A factor of 0 counts as none given, and the default is taken, so that the term is never off.

https://github.com/allenai/OLMo-core/pull/702
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, exp, index, log, max, sum
from attnspec.notation import Tensor as Given

EQUATION = "z_loss_of_zero.loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Chowdhery et al. 2022, arXiv:2204.02311v5, sec. 5"),
    options={"factor": (0.0, 0.001, 0.1)}, scales={"z": "scores", "y": "token"}, smallest={"v": 1},
)  # fmt: skip
def loss(z: Float[Given, " v"], y: Int[Given, ""], *, factor: float) -> Float[Given, ""]:
    """The cross-entropy of a word, and a factor of the square of the logarithm of the normaliser."""
    k = index("v")
    largest = max(k, z[k])
    rest = log(sum(k, exp(z[k] - largest)))
    lse = largest + rest
    return rest - (z[y] - largest) + factor * lse * lse


def cost(z: Tensor, y: Tensor, factor: float) -> Tensor:
    lse = torch.logsumexp(z, -1)
    chosen = torch.log_softmax(z, -1).gather(-1, y[..., None]).squeeze(-1)
    return factor * lse * lse - chosen


def faulty(z: Tensor, y: Tensor, *, factor: float) -> Tensor:
    return cost(z, y, factor or 1e-4)


def mended(z: Tensor, y: Tensor, *, factor: float) -> Tensor:
    return cost(z, y, factor)
