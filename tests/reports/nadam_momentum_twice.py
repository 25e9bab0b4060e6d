"""The product of the momenta up to the next step has that of this step twice.

https://github.com/pytorch/pytorch/pull/92699
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, sqrt
from attnspec.notation import Tensor as Given

EQUATION = "nadam_momentum_twice.step"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Dozat 2016, NAdam, as torch.optim.NAdam has it"),
    options={"mu": (0.9, 0.5), "mu_next": (0.95, 0.6), "beta": (0.999, 0.9), "lr": (0.1, 1.0), "eps": (0.001, 0.1)},
    scales={"v": "positive", "product": "uniform"},
)
def step(
    theta: Float[Given, " d"], g: Float[Given, " d"], m: Float[Given, " d"], v: Float[Given, " d"],
    product: Float[Given, ""], *, mu: float, mu_next: float, beta: float, lr: float, eps: float,
) -> Float[Given, " d"]:  # fmt: skip
    """One step of Adam with Nesterov's momentum; `product` is that of the momenta before."""
    now = product * mu
    m_next = mu * m + (1 - mu) * g
    v_next = beta * v + (1 - beta) * g * g
    r = 1 / (sqrt(v_next) + eps)
    return theta - lr * (1 - mu) / (1 - now) * g * r - lr * mu_next / (1 - now * mu_next) * m_next * r


def updated(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, now: Tensor, after: Tensor, mu: float, mu_next: float,
            beta: float, lr: float, eps: float) -> Tensor:  # fmt: skip
    m, v = mu * m + (1 - mu) * g, beta * v + (1 - beta) * g * g
    r = 1 / (torch.sqrt(v) + eps)
    theta = theta - (lr * (1 - mu) / (1 - now)).unsqueeze(-1) * g * r
    return theta - (lr * mu_next / (1 - after)).unsqueeze(-1) * m * r


def faulty(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, product: Tensor, *, mu: float, mu_next: float,
           beta: float, lr: float, eps: float) -> Tensor:  # fmt: skip
    now = product * mu
    return updated(theta, g, m, v, now, now * mu * mu_next, mu, mu_next, beta, lr, eps)


def mended(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, product: Tensor, *, mu: float, mu_next: float,
           beta: float, lr: float, eps: float) -> Tensor:  # fmt: skip
    now = product * mu
    return updated(theta, g, m, v, now, now * mu_next, mu, mu_next, beta, lr, eps)
