"""In Nesterov's step what the momentum adds has the other sign.

https://github.com/PaddlePaddle/Paddle/pull/12231
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float
from attnspec.notation import Tensor as Array

EQUATION = "nesterov_sign.nesterov"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Sutskever et al. 2013, ICML; PyTorch, optim.SGD(nesterov=True)"),
    options={"lr": (0.1, 0.5), "mu": (0.9, 0.5)},
)
def nesterov(
    theta: Float[Array, " d"], g: Float[Array, " d"], m: Float[Array, " d"], *, lr: float, mu: float
) -> tuple[Float[Array, " d"], Float[Array, " d"]]:
    """Momentum that looks ahead. Parameters and momentum."""
    m_next = mu * m + g
    theta_next = theta - lr * (g + mu * m_next)
    return theta_next, m_next


def faulty(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    m = mu * m + g
    return theta - g * lr + mu * m * lr, m


def mended(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    m = mu * m + g
    return theta - (g + mu * m) * lr, m
