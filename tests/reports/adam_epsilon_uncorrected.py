"""Adam's eps is added to the root of the second moment before that is corrected, so that eps is scaled too.

https://github.com/tensorflow/tensorflow/issues/9047
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "optimizer.adam"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    rate = lr * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    return theta - rate * m / (torch.sqrt(v) + eps), m, v


def mended(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    root = torch.sqrt(v / (1 - beta_2**step))
    return theta - lr * m / (1 - beta_1**step) / (root + eps), m, v
