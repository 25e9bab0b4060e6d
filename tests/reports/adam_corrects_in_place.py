"""The correction of Adam's first moment is written into the state, so that the next step corrects it again.

https://github.com/frgfm/holocron/issues/1
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
    m, v = (beta_1 * m + (1 - beta_1) * g) / (1 - beta_1**step), beta_2 * v + (1 - beta_2) * g * g
    return theta - lr * m / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v


def mended(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    return theta - lr * m / (1 - beta_1**step) / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v
