"""The rate times the decay is subtracted from every parameter, and not that part of it.

https://github.com/jettify/pytorch-optimizer/issues/454
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float
from attnspec.notation import Tensor as Array

EQUATION = "sgdw_decay_is_constant.sgdw"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Loshchilov and Hutter 2019, arXiv:1711.05101v3, alg. 1"),
    options={"lr": (0.1, 0.5), "mu": (0.9, 0.5), "decay": (0.01, 0.1)},
)
def sgdw(
    theta: Float[Array, " d"], g: Float[Array, " d"], m: Float[Array, " d"], *, lr: float, mu: float, decay: float
) -> tuple[Float[Array, " d"], Float[Array, " d"]]:
    """Momentum with a decay of its own. Parameters and momentum."""
    m_next = mu * m + g
    theta_next = theta - lr * m_next - lr * decay * theta
    return theta_next, m_next


def faulty(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float, decay: float) -> tuple[Tensor, Tensor]:
    m = mu * m + g
    return theta - lr * m - lr * decay, m


def mended(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float, decay: float) -> tuple[Tensor, Tensor]:
    m = mu * m + g
    return theta - lr * m - lr * decay * theta, m
