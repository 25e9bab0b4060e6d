"""The largest of a bag gets the gradient of a mean: all of its rows share it.

https://github.com/flagos-ai/FlagGems/issues/5220
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, argmax, index, where
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "bag_largest_gets_mean_gradient.gradient"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(Source(paper="PyTorch, EmbeddingBag with mode max"), smallest={"t": 1})
def gradient(d_y: Float[Given, " d"], x: Float[Given, "t d"]) -> Float[Given, "t d"]:
    """The gradient of the largest row in each column; of equals, the first has it all."""
    i, w = index("t"), index("d")
    best = argmax(i, x[i, w]).stack(w)
    d_x = where((best[w] <= i) & (i <= best[w]), d_y[w], 0)
    return d_x.stack(i, w)


def faulty(d_y: Array, x: Array) -> Array:
    return np.asarray(np.zeros_like(x) + d_y[..., None, :] / x.dtype.type(x.shape[-2]))


def mended(d_y: Array, x: Array) -> Array:
    best = np.argmax(x, -2)[..., None, :] == np.arange(x.shape[-2])[:, None]
    return np.where(best, d_y[..., None, :], x.dtype.type(0))
