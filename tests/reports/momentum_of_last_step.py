"""The step follows the momentum as it was before this gradient was added.

https://github.com/mdenil/dropout/issues/4
"""

from __future__ import annotations

from torch import Tensor

EQUATION = "optimizer.sgd_momentum"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    return theta - lr * m, mu * m + g


def mended(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    m = mu * m + g
    return theta - lr * m, m
