"""Steps are counted for each array that is updated, and not for each update of all.

https://github.com/DiffSharp/DiffSharp/issues/292
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, sqrt
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "adam_step_of_each_array.adam_of_two"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(
    Source(paper="Kingma and Ba 2015, arXiv:1412.6980v9, alg. 1"),
    options={"step": (1, 2, 10), "lr": (0.001, 0.1), "eps": (1e-8, 0.01)},
    scales={"v_1": "positive", "v_2": "positive"},
)
def adam_of_two(
    theta_1: Float[Given, " d"], m_1: Float[Given, " d"], v_1: Float[Given, " d"],
    theta_2: Float[Given, " e"], m_2: Float[Given, " e"], v_2: Float[Given, " e"],
    *, step: int, lr: float, eps: float,
) -> tuple[Float[Given, " d"], Float[Given, " e"]]:  # fmt: skip
    """One step of Adam on two arrays whose moments are known, with β₁ = 0.9 and β₂ = 0.999."""
    c_1, c_2 = 1 - 0.9**step, 1 - 0.999**step
    next_1 = theta_1 - lr * (m_1 / c_1) / (sqrt(v_1 / c_2) + eps)
    next_2 = theta_2 - lr * (m_2 / c_1) / (sqrt(v_2 / c_2) + eps)
    return next_1, next_2


def update(theta: Array, m: Array, v: Array, step: int, lr: float, eps: float) -> Array:
    return np.asarray(theta - lr * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + eps))


def faulty(
    theta_1: Array, m_1: Array, v_1: Array, theta_2: Array, m_2: Array, v_2: Array,
    *, step: int, lr: float, eps: float,
) -> tuple[Array, Array]:  # fmt: skip
    return update(theta_1, m_1, v_1, step, lr, eps), update(theta_2, m_2, v_2, step + 1, lr, eps)


def mended(
    theta_1: Array, m_1: Array, v_1: Array, theta_2: Array, m_2: Array, v_2: Array,
    *, step: int, lr: float, eps: float,
) -> tuple[Array, Array]:  # fmt: skip
    return update(theta_1, m_1, v_1, step, lr, eps), update(theta_2, m_2, v_2, step, lr, eps)
