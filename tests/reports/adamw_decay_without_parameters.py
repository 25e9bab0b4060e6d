"""The decay is taken off as a number, it is not multiplied by the parameters.

https://github.com/e-sensing/torchopt/pull/14
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.adamw"
OPTIONS: dict[str, object] = {"framework": "torch"}


Moments = tuple[Tensor, Tensor, Tensor]


def adam(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, step: int, lr: float, beta_1: float, beta_2: float,
         eps: float) -> Moments:  # fmt: skip
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    return theta - lr * (m / (1 - beta_1**step)) / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v


def faulty(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float, decay: float) -> Moments:  # fmt: skip
    theta_next, m, v = adam(theta, g, m, v, step, lr, beta_1, beta_2, eps)
    return theta_next - lr * decay, m, v


def mended(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float, decay: float) -> Moments:  # fmt: skip
    theta_next, m, v = adam(theta, g, m, v, step, lr, beta_1, beta_2, eps)
    return theta_next - lr * decay * theta, m, v
