"""Part of a row is turned, but pairs and frequencies are those of the whole row.

https://github.com/pie-project/pie/pull/603
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_partial_of_head_width.rotate"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34; GPT-NeoX, rotary_pct"),
    options={"base": (10_000.0, 500.0)},
)
def rotate(
    x: Float[Given, "t 2*d"], rest: Float[Given, "t 2*e"], *, base: float
) -> tuple[Float[Given, "t 2*d"], Float[Given, "t 2*e"]]:
    """The first 2 d columns of rows are turned by their place, pairs d columns apart; the rest stays."""
    i, k, r = index("t"), index("2*d"), index("2*e")
    d = size("d")
    angle = i * base ** (0 - (k % d) / d)
    partner = where(k < d, -x[i, k + d], x[i, k - d])
    y = x[i, k] * cos(angle) + partner * sin(angle)
    same = rest[i, r]
    return y.stack(i, k), same.stack(i, r)


def turned(x: Array, rest: Array, base: float, whole: bool) -> tuple[Array, Array]:
    width = x.shape[-1]
    row = np.concatenate([x, rest], -1)
    apart = (row.shape[-1] if whole else width) // 2
    k = np.arange(width // 2)
    angle = np.arange(x.shape[-2])[:, None] * base ** (-k / apart)
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    left, right = row[..., k], row[..., k + apart]
    y = row.copy()
    y[..., k], y[..., k + apart] = left * cos - right * sin, right * cos + left * sin
    return y[..., :width], y[..., width:]


def faulty(x: Array, rest: Array, *, base: float) -> tuple[Array, Array]:
    return turned(x, rest, base, whole=True)


def mended(x: Array, rest: Array, *, base: float) -> tuple[Array, Array]:
    return turned(x, rest, base, whole=False)
