"""The heads are counted as places: rows are turned by the number of their head.

https://github.com/mlfoundations/open_lm/issues/4
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Array

EQUATION = "rope_places_of_heads.rotate_heads"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0)})
def rotate_heads(x: Float[Array, "t H 2*d"], *, base: float) -> Float[Array, "t H 2*d"]:
    """In each head each pair of neighbouring columns is turned by an angle that grows with the row."""
    t, h, k = index("t"), index("H"), index("2*d")
    d = size("d")
    theta = base ** (0 - (k // 2) / d)
    partner = where(k % 2 == 0, -x[t, h, k + 1], x[t, h, k - 1])
    y = x[t, h, k] * cos(t * theta) + partner * sin(t * theta)
    return y.stack(t, h, k)


def turned(x: Tensor, a: Tensor) -> Tensor:
    even, odd = x[..., ::2].double(), x[..., 1::2].double()
    return torch.stack([even * a.cos() - odd * a.sin(), odd * a.cos() + even * a.sin()], -1).flatten(-2).to(x.dtype)


def angles(t: int, width: int, base: float) -> Tensor:
    return torch.arange(t, dtype=torch.float64).unsqueeze(-1) * base ** (
        -torch.arange(0, width, 2, dtype=torch.float64) / width
    )


def faulty(x: Tensor, *, base: float) -> Tensor:
    return turned(x, angles(x.shape[-2], x.shape[-1], base))


def mended(x: Tensor, *, base: float) -> Tensor:
    return turned(x, angles(x.shape[-3], x.shape[-1], base).unsqueeze(-2))
