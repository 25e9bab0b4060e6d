"""The gradients of all rows are written to the first one; the others stay as they were.

https://github.com/ByteDance-Seed/Triton-distributed/issues/180
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, sigmoid, silu
from attnspec.notation import Tensor as Given

EQUATION = "swiglu_gradient_in_first_row.gradients"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(Source(paper="Shazeer 2020, arXiv:2002.05202v1, eq. 6, differentiated"))
def gradients(
    d_y: Float[Given, "t f"], a: Float[Given, "t f"], b: Float[Given, "t f"]
) -> tuple[Float[Given, "t f"], Float[Given, "t f"]]:
    """The gradients of silu(a) times b."""
    t = index("t")
    s = sigmoid(a[t])
    d_a = d_y[t] * b[t] * s * (1 + a[t] * (1 - s))
    d_b = d_y[t] * silu(a[t])
    return d_a.stack(t), d_b.stack(t)


def by_rows(d_y: Array, a: Array, b: Array, moves: bool) -> tuple[Array, Array]:
    d_y, a, b = np.broadcast_arrays(d_y, a, b)
    d_a, d_b = np.zeros_like(a), np.zeros_like(b)
    for row in range(a.shape[-2]):
        small = np.exp(-np.abs(a[..., row, :]))
        gate = np.where(a[..., row, :] < 0, small, 1) / (1 + small)
        to = row if moves else 0
        d_a[..., to, :] = d_y[..., row, :] * b[..., row, :] * gate * (1 + a[..., row, :] * (1 - gate))
        d_b[..., to, :] = d_y[..., row, :] * a[..., row, :] * gate
    return d_a, d_b


def faulty(d_y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return by_rows(d_y, a, b, moves=False)


def mended(d_y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return by_rows(d_y, a, b, moves=True)
