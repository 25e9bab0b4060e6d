"""A kernel takes decay, momentum and damping, and is given momentum, damping and decay.

https://github.com/NVIDIA/warp/issues/1143
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "sgd_options_rotated.step"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(
    Source(paper="PyTorch, SGD"),
    options={"lr": (0.1, 0.01), "momentum": (0.9, 0.5), "damping": (0.0, 0.2, 0.5), "decay": (0.1, 0.01, 0.0)},
)
def step(
    theta: Float[Given, " d"], g: Float[Given, " d"], v: Float[Given, " d"],
    *, lr: float, momentum: float, damping: float, decay: float,
) -> tuple[Float[Given, " d"], Float[Given, " d"]]:  # fmt: skip
    """The parameters and the velocity after a step; a part of the gradient and of the parameters is damped."""
    v_next = momentum * v + (1 - damping) * (g + decay * theta)
    return theta - lr * v_next, v_next


def kernel(
    theta: Array, g: Array, v: Array, lr: float, decay: float, momentum: float, damping: float
) -> tuple[Array, Array]:
    v_next = momentum * v + (1 - damping) * (g + decay * theta)
    return np.asarray(theta - lr * v_next), np.asarray(v_next)


def faulty(
    theta: Array, g: Array, v: Array, *, lr: float, momentum: float, damping: float, decay: float
) -> tuple[Array, Array]:
    return kernel(theta, g, v, lr, momentum, damping, decay)


def mended(
    theta: Array, g: Array, v: Array, *, lr: float, momentum: float, damping: float, decay: float
) -> tuple[Array, Array]:
    return kernel(theta, g, v, lr, decay, momentum, damping)
