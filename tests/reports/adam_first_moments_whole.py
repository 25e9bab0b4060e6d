"""At the first step the moments are the gradient and its square, without 1 − β, and what was there is left out.

https://github.com/PennyLaneAI/pennylane/issues/1928
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Three = tuple[Array, Array, Array]

EQUATION = "optimizer.adam"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def update(theta: Array, m: Array, v: Array, step: int, lr: float, beta_1: float, beta_2: float, eps: float) -> Three:
    m_hat, v_hat = m / (1 - beta_1**step), v / (1 - beta_2**step)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


def faulty(
    theta: Array, g: Array, m: Array, v: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> Three:
    if step == 1:
        return update(theta, g + 0, g * g, step, lr, beta_1, beta_2, eps)
    return mended(theta, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)


def mended(
    theta: Array, g: Array, m: Array, v: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> Three:
    m_next, v_next = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    return update(theta, m_next, v_next, step, lr, beta_1, beta_2, eps)
