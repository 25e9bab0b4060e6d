"""The frequencies of a part of a row are filled up with zeros, and pairs are half of the whole row apart.

https://github.com/labscommunity/cascadia/pull/69
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_pairs_of_filled_frequencies.rotate"
OPTIONS: dict[str, object] = {"framework": "numpy"}

Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34; Hugging Face, partial_rotary_factor"),
    options={"parts": (2, 1, 4)},
)
def rotate(x: Float[Given, "t 8*d"], *, parts: int) -> Float[Given, "t 8*d"]:
    """The first columns of a row, one of so many parts of them, are turned by its place; the others stay."""
    i, k = index("t"), index("8*d")
    d = size("d")
    half = 4 * d // parts
    angle = i * 10_000 ** (0 - (k % half) / half)
    partner = where(k < half, -x[i, k + half], x[i, k - half])
    turned = x[i, k] * cos(angle) + partner * sin(angle)
    y = where(k < 2 * half, turned, x[i, k])
    return y.stack(i, k)


def turn(x: Array, slow: Array) -> Array:
    half = len(slow)
    angle = np.arange(x.shape[-2])[:, None] * slow
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    left, right = x[..., :half], x[..., half : 2 * half]
    return np.concatenate([left * cos - right * sin, right * cos + left * sin, x[..., 2 * half :]], -1)


def frequencies(half: int) -> Array:
    return np.asarray(10_000.0 ** (-np.arange(half) / max(half, 1)))


def faulty(x: Array, *, parts: int) -> Array:
    slow = frequencies(x.shape[-1] // parts // 2)
    return turn(x, np.pad(slow, (0, x.shape[-1] // 2 - len(slow))))


def mended(x: Array, *, parts: int) -> Array:
    return turn(x, frequencies(x.shape[-1] // parts // 2))
