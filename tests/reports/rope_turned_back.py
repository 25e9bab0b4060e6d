"""The sine has the other sign: rows are turned the other way.

https://github.com/trymirai/lalamo/pull/268
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Array

EQUATION = "rope_turned_back.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0)})
def rotate(x: Float[Array, "t 2*d"], *, base: float) -> Float[Array, "t 2*d"]:
    """Each pair of neighbouring columns is turned by an angle that grows with the row."""
    t, k = index("t"), index("2*d")
    d = size("d")
    theta = base ** (0 - (k // 2) / d)
    partner = where(k % 2 == 0, -x[t, k + 1], x[t, k - 1])
    y = x[t, k] * cos(t * theta) + partner * sin(t * theta)
    return y.stack(t, k)


def turned(x: Tensor, base: float, sign: int) -> Tensor:
    half = torch.arange(0, x.shape[-1], 2, dtype=torch.float64)
    angle = torch.arange(x.shape[-2], dtype=torch.float64).unsqueeze(-1) * base ** -(half / max(x.shape[-1], 1))
    even, odd = x[..., ::2].double(), x[..., 1::2].double()
    cos, sin = angle.cos(), sign * angle.sin()
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], -1).flatten(-2).to(x.dtype)


def faulty(x: Tensor, *, base: float) -> Tensor:
    return turned(x, base, -1)


def mended(x: Tensor, *, base: float) -> Tensor:
    return turned(x, base, 1)
