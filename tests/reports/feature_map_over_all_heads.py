"""The map that makes queries and keys positive is taken before the heads are split, over all of them.

https://github.com/fla-org/flash-linear-attention/issues/606
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum
from attnspec.notation import Tensor as Given

EQUATION = "feature_map_over_all_heads.outputs"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(Source(paper="Katharopoulos et al. 2020, arXiv:2006.16236v3, eq. 4; softmax for the map, not normalised"))
def outputs(q: Float[Given, "H n d"], k: Float[Given, "H m d"], v: Float[Given, "H m e"]) -> Float[Given, "H n e"]:
    """Attention whose weights are products of queries and keys, each a softmax of its head."""
    h, i, j, a, b = index("H"), index("n"), index("m"), index("d"), index("d")
    phi_q = softmax(a, q[h, i, a]).stack(h, i, a)
    phi_k = softmax(b, k[h, j, b]).stack(h, j, b)
    alpha = sum(a, phi_q[h, i, a] * phi_k[h, j, a])
    return sum(j, alpha * v[h, j]).stack(h, i)


def normal(e: Array, axes: tuple[int, ...]) -> Array:
    p = np.exp(e - e.max(axes, keepdims=True, initial=-np.inf))
    return np.asarray(p / p.sum(axes, keepdims=True))


def attend(q: Array, k: Array, v: Array) -> Array:
    return np.asarray(q @ (np.swapaxes(k, -1, -2) @ v))


def faulty(q: Array, k: Array, v: Array) -> Array:
    return attend(normal(q, (-3, -1)), normal(k, (-3, -1)), v)


def mended(q: Array, k: Array, v: Array) -> Array:
    return attend(normal(q, (-1,)), normal(k, (-1,)), v)
