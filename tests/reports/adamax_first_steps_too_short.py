"""The first moment is not corrected for its start from 0.

https://github.com/unslothai/unsloth-zoo/pull/819
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, abs, where
from attnspec.notation import Tensor as Given

EQUATION = "adamax_first_steps_too_short.step"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Kingma and Ba 2015, arXiv:1412.6980v9, alg. 2; PyTorch, Adamax"), scales={"u": "positive"},
    options={"step": (1, 2, 7), "lr": (0.1, 0.01), "beta_1": (0.9, 0.7), "beta_2": (0.999, 0.8), "eps": (1e-3, 0.1)},
)  # fmt: skip
def step(
    theta: Float[Given, " d"], g: Float[Given, " d"], m: Float[Given, " d"], u: Float[Given, " d"],
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
) -> tuple[Float[Given, " d"], Float[Given, " d"], Float[Given, " d"]]:  # fmt: skip
    """Adam with the largest gradient so far, which fades, in place of the root of the second moment."""
    m_next = beta_1 * m + (1 - beta_1) * g
    faded = beta_2 * u
    size = abs(g) + eps
    u_next = where(faded > size, faded, size)
    return theta - lr / (1 - beta_1**step) * m_next / u_next, m_next, u_next


def faulty(
    theta: Array, g: Array, m: Array, u: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> tuple[Array, Array, Array]:
    m = beta_1 * m + (1 - beta_1) * g
    u = np.maximum(beta_2 * u, np.abs(g) + eps)
    return np.asarray(theta - lr * m / u), np.asarray(m), np.asarray(u)


def mended(
    theta: Array, g: Array, m: Array, u: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> tuple[Array, Array, Array]:
    m = beta_1 * m + (1 - beta_1) * g
    u = np.maximum(beta_2 * u, np.abs(g) + eps)
    return np.asarray(theta - lr * (m / (1 - beta_1**step)) / u), np.asarray(m), np.asarray(u)
