"""What the blocks before sum to is added one element too early: the last element of a block gets its own block's sum.

https://github.com/arrayfire/arrayfire/pull/2366
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "scan_carries_one_early.sums_before"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="Blelloch 1990, CMU-CS-90-190, sec. 1.1"))
def sums_before(x: Float[Given, " t"]) -> Float[Given, " t"]:
    """The sum of all elements before each one."""
    i, j = index("t"), index("t")
    return sum(j, x[j], where=j < i).stack(i)


BLOCK = 256


def before(x: Array) -> Array:
    return np.cumsum(np.concatenate([np.zeros_like(x[..., :1]), x[..., :-1]], -1), -1)


def scanned(x: Array, early: int) -> Array:
    t = x.shape[-1]
    filled = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -t % BLOCK)])
    blocks = filled.reshape(*x.shape[:-1], -(-t // BLOCK), BLOCK)
    carried = np.repeat(before(blocks.sum(-1)), BLOCK, -1)
    after = np.concatenate([carried[..., early:], carried[..., carried.shape[-1] - early :]], -1)
    return np.asarray((before(blocks).reshape(filled.shape) + after)[..., :t])


def faulty(x: Array) -> Array:
    return scanned(x, early=1)


def mended(x: Array) -> Array:
    return scanned(x, early=0)
