"""The cosine falls to 0, and what is below the lowest rate is cut, where it should fall to the lowest rate.

https://github.com/EleutherAI/gpt-neox/pull/1008
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, where
from attnspec.notation import Tensor as Given

EQUATION = "cosine_cut_at_lowest.rates"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Loshchilov and Hutter 2017, arXiv:1608.03983v5, eq. 5"),
    options={"lowest": (0.1, 0.3), "warmup": (2, 1, 5), "steps": (10, 40)},
)
def rates(*, t: int, lowest: float, warmup: int, steps: int) -> Float[Given, " t"]:
    """The share of the largest rate at each step: it rises, falls as a cosine to the lowest, and stays there."""
    i = index("t")
    part = (i - warmup) / steps
    done = where(part > 1, 1, part)
    falling = lowest + (1 - lowest) * (1 + cos(3.141592653589793 * done)) / 2
    rate = where(i < warmup, i / warmup, falling)
    return rate.stack(i)


def schedule(t: int, warmup: int, steps: int) -> tuple[Array, Array, Array]:
    i = np.arange(t)
    done = np.clip((i - warmup) / steps, 0, 1)
    return i < warmup, i / warmup, (1 + np.cos(np.pi * done)) / 2


def faulty(*, t: int, lowest: float, warmup: int, steps: int) -> Array:
    rises, rising, falling = schedule(t, warmup, steps)
    return np.asarray(np.where(rises, rising, np.maximum(falling, lowest)), np.float32)


def mended(*, t: int, lowest: float, warmup: int, steps: int) -> Array:
    rises, rising, falling = schedule(t, warmup, steps)
    return np.asarray(np.where(rises, rising, lowest + (1 - lowest) * falling), np.float32)
