"""Angles are doubled to the whole width first, and the sections are then counted from the front of it.

https://github.com/xLLM-AI/xllm/pull/746
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, Int, concat, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "mrope_sections_of_doubled.rotate"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Wang et al. 2024, arXiv:2409.12191v2, sec. 2.1; a section for time, the rest for height"),
    options={"section": (1, 2, 3)}, scales={"time": "token", "height": "token"},
)  # fmt: skip
def rotate(
    x: Float[Given, "t 2*h"], time: Int[Given, " t"], height: Int[Given, " t"], *, section: int
) -> Float[Given, "t 2*h"]:
    """Rows turned by two places each: the first pairs by that in time, the others by that in height."""
    i, j = index("t"), index("h")
    h = size("h")
    place = where(j < section, time[i], height[i])
    angle = place * 10_000 ** (0 - j / h)
    left = (x[i, j] * cos(angle) - x[i, h + j] * sin(angle)).stack(i, j)
    right = (x[i, h + j] * cos(angle) + x[i, j] * sin(angle)).stack(i, j)
    return concat(left, right)


def turn(x: Array, time: Array, height: Array, section: int, first: bool) -> Array:
    half = x.shape[-1] // 2
    column = np.arange(2 * half)
    slow = 10_000.0 ** (-(column % max(half, 1)) / max(half, 1))
    counted = column if first else column % max(half, 1)
    angle = np.where(counted < section, time[..., None], height[..., None]) * slow
    partner = np.concatenate([-x[..., half:], x[..., :half]], -1)
    return np.asarray(x * np.cos(angle).astype(x.dtype) + partner * np.sin(angle).astype(x.dtype))


def faulty(x: Array, time: Array, height: Array, *, section: int) -> Array:
    return turn(x, time, height, section, first=True)


def mended(x: Array, time: Array, height: Array, *, section: int) -> Array:
    return turn(x, time, height, section, first=False)
