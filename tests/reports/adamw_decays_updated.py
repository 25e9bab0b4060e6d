"""The decay is taken of the parameters that the step has already changed.

https://github.com/stanford-cs336/assignment1-basics/issues/54
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.adamw"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    theta = theta - lr * m / (1 - beta_1**step) / (torch.sqrt(v / (1 - beta_2**step)) + eps)
    return theta - lr * decay * theta, m, v


def mended(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    theta = theta - lr * decay * theta
    return theta - lr * m / (1 - beta_1**step) / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v
