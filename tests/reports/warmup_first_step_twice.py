"""Steps are counted from 0, and 0 is replaced by 1: the first two steps have the same rate.

https://github.com/tugstugi/pytorch-saltnet/issues/7
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, sqrt, where
from attnspec.notation import Tensor as Given

EQUATION = "warmup_first_step_twice.rates"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 5.3"), options={"warmup": (4, 10, 2)})
def rates(*, t: int, c: int, warmup: int) -> Float[Given, " t"]:
    """The learning rate of each step: it rises to the last one of the warm-up, then falls as 1 over the root."""
    i = index("t")
    step = i + 1
    rising = step / warmup**1.5
    falling = 1 / step**0.5
    rate = where(rising < falling, rising, falling) / sqrt(c)
    return rate.stack(i)


def schedule(step: Array, c: int, warmup: int) -> Array:
    return np.asarray(c**-0.5 * np.minimum(step**-0.5, step * warmup**-1.5), np.float32)


def faulty(*, t: int, c: int, warmup: int) -> Array:
    return schedule(np.maximum(np.arange(t), 1.0), c, warmup)


def mended(*, t: int, c: int, warmup: int) -> Array:
    return schedule(np.arange(t) + 1.0, c, warmup)
