"""eps is added under the root.

https://github.com/FluxML/Flux.jl/pull/448
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Three = tuple[Array, Array, Array]

EQUATION = "optimizer.adam"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def faulty(
    theta: Array, g: Array, m: Array, v: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> Three:
    m_next, v_next = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m_next / (1 - beta_1**step), v_next / (1 - beta_2**step)
    return theta - lr * m_hat / np.sqrt(v_hat + eps), m_next, v_next


def mended(
    theta: Array, g: Array, m: Array, v: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> Three:
    m_next, v_next = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m_next / (1 - beta_1**step), v_next / (1 - beta_2**step)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m_next, v_next
