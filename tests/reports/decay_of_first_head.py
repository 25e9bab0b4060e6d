"""The decay up to the end of a chunk is read without the offset of the head: it is that of the first one.

https://github.com/fla-org/flash-linear-attention/issues/1115
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "decay_of_first_head.state"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="Yang et al. 2024, arXiv:2312.06635v6, sec. 4.2"))
def state(
    k: Float[Given, "H t d"], v: Float[Given, "H t e"], g: Float[Given, "H t d"], end: Float[Given, "H d"]
) -> Float[Given, "H d e"]:
    """The state of each head at the end of a chunk: the outer products, each decayed from its row to the end."""
    h, i, a, b = index("H"), index("t"), index("d"), index("e")
    s = sum(i, k[h, i, a] * exp(end[h, a] - g[h, i, a]) * v[h, i, b])
    return s.stack(h, a, b)


def chunk(k: Array, v: Array, g: Array, end: Array) -> Array:
    decayed = k * np.exp(end[..., None, :] - g)
    return np.asarray(np.swapaxes(decayed, -1, -2) @ v)


def faulty(k: Array, v: Array, g: Array, end: Array) -> Array:
    return chunk(k, v, g, end[..., :1, :])


def mended(k: Array, v: Array, g: Array, end: Array) -> Array:
    return chunk(k, v, g, end)
