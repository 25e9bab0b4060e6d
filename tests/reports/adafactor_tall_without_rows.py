"""Of a matrix with more rows than columns, the factor of the longer axis is divided by itself and is 1.

https://github.com/huggingface/pytorch-image-models/pull/2749
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "adafactor_tall_without_rows.first_update"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Shazeer and Stern 2018, arXiv:1804.04235v1, alg. 4; the first step"),
    options={"eps": (1e-6, 1e-3)},
    smallest={"n": 1, "m": 1},
)
def first_update(g: Float[Given, "n m"], *, eps: float) -> Float[Given, "n m"]:
    """A gradient divided by the root of its squares, which are kept as the means of rows and of columns."""
    i, j = index("n"), index("m")
    n, m = size("n"), size("m")
    square = (g[i, j] * g[i, j] + eps).stack(i, j)
    r = (sum(j, square[i, j]) / m).stack(i)
    c = (sum(i, square[i, j]) / n).stack(j)
    mean = sum(i, r[i]) / n
    u = g[i, j] / sqrt(r[i] * c[j] / mean)
    return u.stack(i, j)


def update(g: Array, eps: float, shifted: bool) -> Array:
    square = g * g + g.dtype.type(eps)
    shorter, longer = (-1, -2) if g.shape[-2] > g.shape[-1] else (-2, -1)
    kept, other = square.mean(longer, keepdims=True), square.mean(shorter, keepdims=True)
    axis = longer if shifted and longer == -2 else shorter
    return np.asarray(g / np.sqrt(kept / kept.mean(axis, keepdims=True)) / np.sqrt(other))


def faulty(g: Array, *, eps: float) -> Array:
    return update(g, eps, shifted=True)


def mended(g: Array, *, eps: float) -> Array:
    return update(g, eps, shifted=False)
