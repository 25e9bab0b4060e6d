"""The decay is that of AdamW, taken off the parameters; it should be part of the gradient and of its means.

https://github.com/flagos-ai/FlagGems/pull/4989
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.adam_l2"
OPTIONS: dict[str, object] = {"framework": "torch"}


Moments = tuple[Tensor, Tensor, Tensor]


def adam(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, step: int, lr: float, beta_1: float, beta_2: float,
         eps: float) -> Moments:  # fmt: skip
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    return theta - lr * (m / (1 - beta_1**step)) / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v


def faulty(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float, decay: float) -> Moments:  # fmt: skip
    theta_next, m, v = adam(theta, g, m, v, step, lr, beta_1, beta_2, eps)
    return theta_next - lr * decay * theta, m, v


def mended(theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float,
           eps: float, decay: float) -> Moments:  # fmt: skip
    return adam(theta, g + decay * theta, m, v, step, lr, beta_1, beta_2, eps)
