"""The share that the momentum should keep is given to the gradient, and the other way round.

https://github.com/FluxML/Optimisers.jl/pull/129
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, where
from attnspec.notation import Tensor as Given

EQUATION = "lion_momentum_is_mostly_gradient.step"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Chen et al. 2023, arXiv:2302.06675v4, alg. 2"),
    options={"lr": (0.1, 0.01), "beta_1": (0.9, 0.7), "beta_2": (0.99, 0.8)},
)
def step(
    theta: Float[Given, " d"], g: Float[Given, " d"], m: Float[Given, " d"],
    *, lr: float, beta_1: float, beta_2: float,
) -> tuple[Float[Given, " d"], Float[Given, " d"]]:  # fmt: skip
    """A step along the sign of an average of momentum and gradient; the momentum has a share of its own."""
    c = beta_1 * m + (1 - beta_1) * g
    sign = where(c > 0, 1, where(c < 0, -1, 0))
    return theta - lr * sign, beta_2 * m + (1 - beta_2) * g


def faulty(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, beta_1: float, beta_2: float) -> tuple[Tensor, Tensor]:
    update = torch.sign(beta_1 * m + (1 - beta_1) * g)
    return theta - lr * update, beta_2 * g + (1 - beta_2) * m


def mended(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, beta_1: float, beta_2: float) -> tuple[Tensor, Tensor]:
    update = torch.sign(beta_1 * m + (1 - beta_1) * g)
    return theta - lr * update, beta_2 * m + (1 - beta_2) * g
