"""The gradient is that of a softmax: the sum of the products with the output is taken off, and no exponential.

https://github.com/uxlfoundation/oneDNN/issues/616
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "log_softmax_gradient_of_product.gradient"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="Bridle 1990, sec. 3; by the chain rule"))
def gradient(d_y: Float[Given, "n m"], y: Float[Given, "n m"]) -> Float[Given, "n m"]:
    """The gradient of scores by that of their log-softmax y."""
    i, j = index("n"), index("m")
    total = sum(j, d_y[i, j])
    d_e = d_y[i, j] - exp(y[i, j]) * total
    return d_e.stack(i, j)


def faulty(d_y: Array, y: Array) -> Array:
    return np.asarray(d_y - (d_y * y).sum(-1, keepdims=True))


def mended(d_y: Array, y: Array) -> Array:
    return np.asarray(d_y - np.exp(y) * d_y.sum(-1, keepdims=True))
