"""Both classes have the weight of the first.

https://github.com/qubvel/segmentation_models/issues/187
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, Int, sigmoid, softplus, where
from attnspec.notation import Tensor as Given

EQUATION = "focal_one_weight_for_both.loss"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Lin et al. 2017, arXiv:1708.02002v2, eq. 5, of two classes"),
    options={"alpha": (0.25, 0.7), "gamma": (2.0, 3.0, 1.0)}, scales={"z": "scores", "y": "bit"},
)  # fmt: skip
def loss(z: Float[Given, ""], y: Int[Given, ""], *, alpha: float, gamma: float) -> Float[Given, ""]:
    """The loss of a yes or no, which counts the less the better it is predicted; alpha is the weight of yes."""
    p = sigmoid(z)
    yes = alpha * (1 - p) ** gamma * softplus(-z)
    no = (1 - alpha) * p**gamma * softplus(z)
    return where(y == 1, yes, no)


def cost(z: Array, y: Array, yes: float, no: float, gamma: float) -> Array:
    p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    of_yes = yes * q**gamma * np.logaddexp(0, -z)
    of_no = no * p**gamma * np.logaddexp(0, z)
    return np.asarray(np.where(y == 1, of_yes, of_no).astype(z.dtype))


def faulty(z: Array, y: Array, *, alpha: float, gamma: float) -> Array:
    with np.errstate(over="ignore"):
        return cost(z, y, alpha, alpha, gamma)


def mended(z: Array, y: Array, *, alpha: float, gamma: float) -> Array:
    with np.errstate(over="ignore"):
        return cost(z, y, alpha, 1 - alpha, gamma)
