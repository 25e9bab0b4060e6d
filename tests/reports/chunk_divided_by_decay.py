"""Within a chunk inputs are divided by the product of the decays up to them, which rounds to 0.

https://github.com/pytorch/executorch/pull/21417
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, scan, zeros
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "chunk_divided_by_decay.states"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(Source(paper="Yang et al. 2024, arXiv:2312.06635v6, eq. 3"), scales={"a": "uniform"})
def states(a: Float[Given, "t d"], x: Float[Given, "t d"]) -> Float[Given, "t d"]:
    """A state that decays and takes up an input at each step, from 0."""
    t = index("t")
    h = scan(t, lambda h: a[t] * h + x[t], zeros("d"))
    return h.stack(t)


CHUNK = 32


def step_by_step(a: Array, x: Array, h: Array) -> Array:
    rows = np.empty_like(x)
    for t in range(x.shape[-2]):
        h = a[..., t, :] * h + x[..., t, :]
        rows[..., t, :] = h
    return rows


def faulty(a: Array, x: Array) -> Array:
    out = np.empty_like(x)
    h = np.zeros_like(x[..., :1, :].sum(-2))
    for first in range(0, x.shape[-2], CHUNK):
        rows = (..., slice(first, first + CHUNK), slice(None))
        product = np.cumprod(a[rows], -2)
        if (a[rows] <= 0).any():
            out[rows] = step_by_step(a[rows], x[rows], h)
        else:
            with np.errstate(all="ignore"):
                out[rows] = product * (h[..., None, :] + np.cumsum(x[rows] / product, -2))
        h = out[rows][..., -1, :]
    return out


def mended(a: Array, x: Array) -> Array:
    return step_by_step(a, x, np.zeros_like(x[..., :1, :].sum(-2)))
