"""In the sum over a row the gradient is not multiplied by the gain.

https://github.com/karpathy/llm.c/pull/763
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "rms_norm_gradient_sum_without_gain.gradient"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4, differentiated"))
def gradient(
    d_y: Float[Given, " d"], x: Float[Given, " d"], gamma: Float[Given, " d"], *, eps: float
) -> Float[Given, " d"]:
    """The gradient in a row that is divided by its root mean square and has a gain."""
    i = index("d")
    d = size("d")
    r = 1 / sqrt(sum(i, x[i] * x[i]) / d + eps)
    d_n = gamma[i] * d_y[i]
    n = x[i] * r
    mean = sum(i, d_n * n) / d
    d_x = r * (d_n - n * mean)
    return d_x.stack(i)


def backward(d_y: Array, x: Array, gamma: Array, eps: float, in_sum: Array) -> Array:
    r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(eps))
    n = x * r
    return np.asarray(r * (gamma * d_y - n * (in_sum * n).mean(-1, keepdims=True)))


def faulty(d_y: Array, x: Array, gamma: Array, *, eps: float) -> Array:
    return backward(d_y, x, gamma, eps, d_y)


def mended(d_y: Array, x: Array, gamma: Array, *, eps: float) -> Array:
    return backward(d_y, x, gamma, eps, gamma * d_y)
