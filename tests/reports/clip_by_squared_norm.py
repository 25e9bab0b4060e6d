"""What was summed is already the square of the norm, and is compared and divided by as if it were the norm.

https://github.com/paiml/entrenar/issues/311
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "clip_by_squared_norm.clipped"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063v2, alg. 1"),
    options={"threshold": (1.0, 0.1, 30.0)},
    sizes={"d": "width"},
)
def clipped(g: Float[Given, " d"], *, threshold: float) -> Float[Given, " d"]:
    """A gradient that is longer than a threshold is made as long as it."""
    k = index("d")
    norm = sqrt(sum(k, g[k] * g[k]))
    y = where(norm > threshold, g[k] * threshold / norm, g[k])
    return y.stack(k)


def scaled(g: Array, norm: Array, threshold: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(g * np.minimum(threshold / norm, 1).astype(g.dtype)[..., None])


def faulty(g: Array, *, threshold: float) -> Array:
    return scaled(g, (g * g).sum(-1), threshold)


def mended(g: Array, *, threshold: float) -> Array:
    return scaled(g, np.sqrt((g * g).sum(-1)), threshold)
