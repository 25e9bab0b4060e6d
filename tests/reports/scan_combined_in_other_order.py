"""On its way down a parallel scan combines what comes before with the left part in the other order.

https://github.com/state-spaces/mamba/issues/716
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, scan, zeros
from attnspec.notation import Tensor as Given

EQUATION = "scan_combined_in_other_order.states"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Blelloch 1990, CMU-CS-90-190, sec. 1.4; Gu and Dao 2023, arXiv:2312.00752v2, sec. 3.3.2"),
    scales={"fade": "uniform"}, sizes={"t": "steps"},
)  # fmt: skip
def states(fade: Float[Given, "t d"], x: Float[Given, "t d"]) -> Float[Given, "t d"]:
    """States that fade and take up an input at each step."""
    t = index("t")
    h = scan(t, lambda h: fade[t] * h + x[t], zeros("d"))
    return h.stack(t)


def scanned(fade: Array, x: Array, exchanged: bool) -> Array:
    batch = np.broadcast_shapes(fade.shape[:-2], x.shape[:-2])
    steps, width = x.shape[-2:]
    n = 1 << max(steps - 1, 0).bit_length()
    s = np.ones((*batch, n, width), x.dtype)
    d = np.zeros((*batch, n, width), x.dtype)
    s[..., :steps, :], d[..., :steps, :] = fade, x
    step = 1
    while step < n:
        left, right = slice(step - 1, n, 2 * step), slice(2 * step - 1, n, 2 * step)
        d[..., right, :] += s[..., right, :] * d[..., left, :]
        s[..., right, :] *= s[..., left, :]
        step *= 2
    s[..., -1, :], d[..., -1, :] = 1, 0
    while step > 1:
        step //= 2
        left, right = slice(step - 1, n, 2 * step), slice(2 * step - 1, n, 2 * step)
        s_left, d_left = s[..., left, :].copy(), d[..., left, :].copy()
        s_before, d_before = s[..., right, :].copy(), d[..., right, :].copy()
        s[..., left, :], d[..., left, :] = s_before, d_before
        s[..., right, :] = s_before * s_left
        d[..., right, :] = s_before * d_left + d_before if exchanged else s_left * d_before + d_left
    return np.asarray(fade * d[..., :steps, :] + x)


def faulty(fade: Array, x: Array) -> Array:
    return scanned(fade, x, exchanged=True)


def mended(fade: Array, x: Array) -> Array:
    return scanned(fade, x, exchanged=False)
