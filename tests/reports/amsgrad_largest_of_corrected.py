"""The largest second moment is kept of moments that are corrected already, each by the correction of its own step.

https://github.com/google-deepmind/optax/pull/1423
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, sqrt, where
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "amsgrad_largest_of_corrected.amsgrad"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(
    Source(paper="Reddi et al. 2018, arXiv:1904.09237v1, alg. 2; with the corrections of Adam, as PyTorch has it"),
    options={"step": (1, 2, 10), "lr": (0.001, 0.1), "eps": (1e-8, 0.01)},
    scales={"v": "positive", "largest": "positive"},
)
def amsgrad(
    theta: Float[Given, " d"], m: Float[Given, " d"], v: Float[Given, " d"], largest: Float[Given, " d"],
    *, step: int, lr: float, eps: float,
) -> tuple[Float[Given, " d"], Float[Given, " d"]]:  # fmt: skip
    """The parameters after a step whose moments are known, and the largest second moment so far."""
    kept = where(v > largest, v, largest)
    c_1, c_2 = 1 - 0.9**step, 1 - 0.999**step
    after = theta - lr * (m / c_1) / (sqrt(kept / c_2) + eps)
    return after, kept


def stepped(theta: Array, m: Array, root: Array, step: int, lr: float, eps: float) -> Array:
    return np.asarray(theta - lr * (m / (1 - 0.9**step)) / (root + eps))


def faulty(
    theta: Array, m: Array, v: Array, largest: Array, *, step: int, lr: float, eps: float
) -> tuple[Array, Array]:
    kept = np.maximum(v / (1 - 0.999**step), largest).astype(v.dtype)
    return stepped(theta, m, np.sqrt(kept), step, lr, eps), kept


def mended(
    theta: Array, m: Array, v: Array, largest: Array, *, step: int, lr: float, eps: float
) -> tuple[Array, Array]:
    kept = np.maximum(v, largest)
    return stepped(theta, m, np.sqrt(kept / (1 - 0.999**step)), step, lr, eps), kept
