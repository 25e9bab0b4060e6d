"""Both means are multiplied by their corrections, where they should be divided by them.

https://github.com/karpathy/convnetjs/pull/70
"""

from __future__ import annotations

from torch import Tensor

EQUATION = "optimizer.adam"
OPTIONS: dict[str, object] = {"framework": "torch"}


State = tuple[Tensor, Tensor, Tensor]


def faulty(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m * (1 - beta_1**step), v * (1 - beta_2**step)
    return theta - lr * m_hat / (v_hat.sqrt() + eps), m, v


def mended(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> State:
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m / (1 - beta_1**step), v / (1 - beta_2**step)
    return theta - lr * m_hat / (v_hat.sqrt() + eps), m, v
