"""Kept keys of two texts are put end to end, and those of the second one stay turned as if it stood alone.

https://github.com/MemTensor/MemOS/issues/2315
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "fragments_not_turned.scores"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0)})
def scores(
    q: Float[Given, " 2*d"], first: Float[Given, "n 2*d"], second: Float[Given, "m 2*d"], *, base: float
) -> tuple[Float[Given, " n"], Float[Given, " m"]]:
    """The scores of keys of two texts, the second behind the first, turned by their place."""
    i, j, k = index("n"), index("m"), index("2*d")
    n, d = size("n"), size("d")
    frequency = base ** (0 - (k // 2) / d)
    a = first[i, k] * cos(i * frequency) + where(k % 2 == 0, -first[i, k + 1], first[i, k - 1]) * sin(i * frequency)
    place = n + j
    b = second[j, k] * cos(place * frequency) + where(k % 2 == 0, -second[j, k + 1], second[j, k - 1]) * sin(
        place * frequency
    )
    e_first = q @ a.stack(i, k)[i]
    e_second = q @ b.stack(j, k)[j]
    return e_first.stack(i), e_second.stack(j)


def turned(x: Array, from_place: int, base: float) -> Array:
    width = x.shape[-1]
    place = from_place + np.arange(x.shape[-2])[:, None]
    angle = place * base ** (-np.arange(0, width, 2) / width)
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    even, odd = x[..., ::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, odd * cos + even * sin], -1).reshape(x.shape)


def products(q: Array, first: Array, second: Array, base: float, behind: int) -> tuple[Array, Array]:
    keys = np.concatenate([turned(first, 0, base), turned(second, behind, base)], -2)
    e = (keys @ q[..., None])[..., 0]
    return e[..., : first.shape[-2]], e[..., first.shape[-2] :]


def faulty(q: Array, first: Array, second: Array, *, base: float) -> tuple[Array, Array]:
    return products(q, first, second, base, 0)


def mended(q: Array, first: Array, second: Array, *, base: float) -> tuple[Array, Array]:
    return products(q, first, second, base, first.shape[-2])
