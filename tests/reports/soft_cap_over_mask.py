"""The soft cap is applied to scores that are masked already: minus infinity becomes minus the cap.

https://github.com/emmtrix/emx-onnx-cgen/pull/731
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, size, softmax, sqrt, sum, tanh
from attnspec.notation import Tensor as Given

EQUATION = "soft_cap_over_mask.capped"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Gemma Team 2024, arXiv:2408.00118v3, sec. 2; ONNX, operator Attention"),
    options={"cap": (1.0, 5.0, 20.0)},
)
def capped(
    q: Float[Given, "n d"], k: Float[Given, "m d"], v: Float[Given, "m e"], mask: Bool[Given, "n m"], *, cap: float
) -> Float[Given, "n e"]:
    """Attention whose scores stay within ±cap; what a mask hides is hidden afterwards."""
    i, j = index("n"), index("m")
    d = size("d")
    e = (cap * tanh(q[i] @ k[j] / sqrt(d) / cap)).stack(i, j)
    p = softmax(j, e[i, j], where=mask[i, j]).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=mask[i, j])
    return c.stack(i)


def attention(q: Array, k: Array, v: Array, mask: Array, cap: float, cap_last: bool) -> Array:
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(q.shape[-1]))
    bias = np.where(mask, e.dtype.type(0), e.dtype.type(-np.inf))
    c = e.dtype.type(cap)
    e = c * np.tanh((e + bias) / c) if cap_last else c * np.tanh(e / c) + bias
    top = e.max(-1, keepdims=True, initial=-np.inf)
    p = np.exp(e - np.where(np.isfinite(top), top, 0))
    total = p.sum(-1, keepdims=True)
    return np.asarray(p / np.where(total == 0, 1, total) @ v)


def faulty(q: Array, k: Array, v: Array, mask: Array, *, cap: float) -> Array:
    return attention(q, k, v, mask, cap, cap_last=True)


def mended(q: Array, k: Array, v: Array, mask: Array, *, cap: float) -> Array:
    return attention(q, k, v, mask, cap, cap_last=False)
