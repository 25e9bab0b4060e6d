"""The place of the next step is set to that of the step that ends, so that the second has the first one's.

https://github.com/tenstorrent/tt-metal/issues/55088
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "decode_second_step_at_first_place.decoded"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34; from a place on"), options={"start": (0, 5, 2)})
def decoded(x: Float[Given, "t 2*h"], *, start: int) -> Float[Given, "t 2*h"]:
    """Steps from a place on, one after the other, each turned by its place."""
    i, k = index("t"), index("2*h")
    h = size("h")
    angle = (start + i) * 10_000 ** (0 - (k % h) / h)
    partner = where(k < h, -x[i, k + h], x[i, k - h])
    y = x[i, k] * cos(angle) + partner * sin(angle)
    return y.stack(i, k)


def run(x: Array, start: int, ahead: int) -> Array:
    half = x.shape[-1] // 2
    slow = 10_000.0 ** (-np.arange(half) / max(half, 1))
    y = np.empty_like(x)
    place = start
    for i in range(x.shape[-2]):
        cos, sin = np.cos(place * slow).astype(x.dtype), np.sin(place * slow).astype(x.dtype)
        left, right = x[..., i, :half], x[..., i, half:]
        y[..., i, :half], y[..., i, half:] = left * cos - right * sin, right * cos + left * sin
        place = start + i + ahead
    return y


def faulty(x: Array, *, start: int) -> Array:
    return run(x, start, 0)


def mended(x: Array, *, start: int) -> Array:
    return run(x, start, 1)
