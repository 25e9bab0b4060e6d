"""The number of pieces is a quotient that is rounded down: the last piece is missing unless the step divides the rest.

https://github.com/mabhijithn/irregulars-neureka-codebase/issues/13
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "text.segments"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def pieces(k: Array, w: int, s: int, count: int) -> tuple[Array, Array]:
    first = np.arange(max(count, 0)) * s
    return k[..., first[:, None] + np.arange(w)], k[..., first + w]


def faulty(k: Array, *, w: int, s: int) -> tuple[Array, Array]:
    return pieces(k, w, s, (k.shape[-1] - w) // s)


def mended(k: Array, *, w: int, s: int) -> tuple[Array, Array]:
    return pieces(k, w, s, -((w - k.shape[-1]) // s))
