"""Where the share is 1 no sum is above it, and the place of the first that is above is 0: one word is kept.

https://github.com/BlinkDL/ChatRWKV/pull/170
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, sum, where
from attnspec.notation import Tensor as Given

Array = np.ndarray[Any, Any]

EQUATION = "nucleus_of_all.nucleus"
OPTIONS: dict[str, object] = {"framework": "numpy"}


@equation(
    Source(paper="Holtzman et al. 2020, arXiv:1904.09751v2, sec. 3.1"),
    options={"share": (0.9, 0.5, 1.0)}, scales={"p": "weights"}, largest={"v": 300},
)  # fmt: skip
def nucleus(p: Float[Given, " v"], *, share: float) -> Float[Given, " v"]:
    """The words that are at least as likely as the one that crosses a share, made to sum to 1; 0 for all others."""
    j, k = index("v"), index("v")
    likelier = sum(j, p[j], where=p[j] > p[k])
    kept = where(share == 1, p[k], where(likelier <= share, p[k], 0))
    q = kept / sum(k, kept)
    return q.stack(k)


def filtered(p: Array, share: float, all_at_one: bool) -> Array:
    ordered = -np.sort(-p, -1)
    crosses = np.argmax(np.cumsum(ordered, -1) > share, -1)
    least = np.take_along_axis(ordered, crosses[..., None], -1)
    kept = p if all_at_one and share == 1 else np.where(p >= least, p, 0)
    return np.asarray(kept / kept.sum(-1, keepdims=True))


def faulty(p: Array, *, share: float) -> Array:
    return filtered(p, share, all_at_one=False)


def mended(p: Array, *, share: float) -> Array:
    return filtered(p, share, all_at_one=True)
