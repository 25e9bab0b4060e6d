"""Neither mean is corrected for its start at 0.

https://github.com/jettify/pytorch-optimizer/issues/443
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "lamb_without_correction.lamb"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="You et al. 2020, arXiv:1904.00962v5, alg. 2"), scales={"v": "positive"},
    options={
        "lr": (0.1, 0.5), "beta_1": (0.9, 0.7), "beta_2": (0.999, 0.75), "eps": (1e-3, 1e-2), "step": (3, 1, 10),
        "decay": (0.1, 0.5),
    },
)  # fmt: skip
def lamb(
    theta: Float[Given, " d"], g: Float[Given, " d"], m: Float[Given, " d"], v: Float[Given, " d"],
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> tuple[Float[Given, " d"], Float[Given, " d"], Float[Given, " d"]]:  # fmt: skip
    """Adam with decay, whose step is as long as the parameters are, times the rate."""
    k = index("d")
    m_next = beta_1 * m + (1 - beta_1) * g
    v_next = beta_2 * v + (1 - beta_2) * g * g
    r = m_next / (1 - beta_1**step) / (sqrt(v_next / (1 - beta_2**step)) + eps) + decay * theta
    norm = sqrt(sum(k, theta[k] * theta[k]))
    length = sqrt(sum(k, r[k] * r[k]))
    ratio = where((norm > 0) & (length > 0), norm / length, 1)
    return theta - lr * ratio * r, m_next, v_next


def stepped(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
    step: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    r = m / (1 - beta_1**step) / ((v / (1 - beta_2**step)).sqrt() + eps) + decay * theta
    norm, length = theta.square().sum(-1, keepdim=True).sqrt(), r.square().sum(-1, keepdim=True).sqrt()
    ratio = torch.where((norm > 0) & (length > 0), norm / length, 1)
    return theta - lr * ratio * r, m, v


def faulty(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
    decay: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    return stepped(theta, g, m, v, lr, beta_1, beta_2, eps, decay, float("inf"))


def mended(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
    decay: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    return stepped(theta, g, m, v, lr, beta_1, beta_2, eps, decay, step)
