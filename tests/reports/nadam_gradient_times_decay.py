"""The gradient is multiplied by its scale plus the decay, where the decay should be added to it.

https://github.com/apache/mxnet/issues/8925
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float
from attnspec.notation import Tensor as Given

EQUATION = "nadam_gradient_times_decay.moments"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Kingma and Ba 2015, arXiv:1412.6980v9, alg. 1; MXNet, rescale_grad and wd"),
    options={"scale": (0.5, 1.0, 0.25), "decay": (0.01, 0.0, 0.1), "beta_1": (0.9, 0.5), "beta_2": (0.999, 0.9)},
)
def moments(
    theta: Float[Given, " d"], g: Float[Given, " d"], m: Float[Given, " d"], v: Float[Given, " d"],
    *, scale: float, decay: float, beta_1: float, beta_2: float,
) -> tuple[Float[Given, " d"], Float[Given, " d"]]:  # fmt: skip
    """Both moments after a step whose gradient is scaled, and has the decay of the parameters added."""
    whole = scale * g + decay * theta
    return beta_1 * m + (1 - beta_1) * whole, beta_2 * v + (1 - beta_2) * whole * whole


def averaged(whole: Array, m: Array, v: Array, beta_1: float, beta_2: float) -> tuple[Array, Array]:
    return (
        np.asarray(beta_1 * m + (1 - beta_1) * whole),
        np.asarray(beta_2 * v + (1 - beta_2) * whole * whole),
    )


def faulty(
    theta: Array, g: Array, m: Array, v: Array, *, scale: float, decay: float, beta_1: float, beta_2: float
) -> tuple[Array, Array]:
    return averaged(g * (scale + decay * theta), m, v, beta_1, beta_2)


def mended(
    theta: Array, g: Array, m: Array, v: Array, *, scale: float, decay: float, beta_1: float, beta_2: float
) -> tuple[Array, Array]:
    return averaged(g * scale + decay * theta, m, v, beta_1, beta_2)
