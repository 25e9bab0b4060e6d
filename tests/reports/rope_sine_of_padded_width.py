"""Where the sines begin in the table is computed from the width of the tile, which is a power of two.

https://github.com/vllm-project/vllm-ascend/pull/12963
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, index, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_sine_of_padded_width.rotate"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34; the halves as in GPT-NeoX"))
def rotate(x: Float[Given, "t 2*d"], table: Float[Given, "t 2*d"]) -> Float[Given, "t 2*d"]:
    """Rows turned by angles whose cosines and sines stand side by side in a table; pairs are d columns apart."""
    i, k = index("t"), index("2*d")
    d = size("d")
    partner = where(k < d, -x[i, k + d], x[i, k - d])
    c = where(k < d, table[i, k], table[i, k - d])
    s = where(k < d, table[i, k + d], table[i, k])
    y = x[i, k] * c + partner * s
    return y.stack(i, k)


def turned(x: Array, table: Array, first: int) -> Array:
    """`first` is how far behind its cosine a sine stands."""
    width = x.shape[-1]
    half = width // 2
    flat = table.reshape(*table.shape[:-2], table.shape[-2] * width)
    behind = np.concatenate([flat, np.zeros((*flat.shape[:-1], first), flat.dtype)], -1)
    rows = np.arange(x.shape[-2])[:, None] * width + np.arange(half)
    cos, sin = flat[..., rows], behind[..., rows + first]
    left, right = x[..., :half], x[..., half:]
    return np.concatenate([left * cos - right * sin, right * cos + left * sin], -1)


def faulty(x: Array, table: Array) -> Array:
    return turned(x, table, (1 << max(x.shape[-1] - 1, 0).bit_length()) // 2)


def mended(x: Array, table: Array) -> Array:
    return turned(x, table, x.shape[-1] // 2)
