"""Of sequences of one row only the first of the batch is turned: the grid of the fast path leaves the batch out.

https://github.com/oxiglade/mlx-rs/issues/359
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Array

EQUATION = "rope_first_of_batch.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0), "first": (0, 3, 1)}
)
def rotate(x: Float[Array, "t 2*d"], *, base: float, first: int) -> Float[Array, "t 2*d"]:
    """Rows from place `first` on: each pair of neighbouring columns is turned by an angle that grows with the place."""
    t, k = index("t"), index("2*d")
    d = size("d")
    theta = base ** (0 - (k // 2) / d)
    partner = where(k % 2 == 0, -x[t, k + 1], x[t, k - 1])
    y = x[t, k] * cos((first + t) * theta) + partner * sin((first + t) * theta)
    return y.stack(t, k)


def angles(t: int, width: int, base: float, first: int) -> Tensor:
    theta = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return (first + torch.arange(t, dtype=torch.float64)).unsqueeze(-1) * theta


def turned(x: Tensor, a: Tensor) -> Tensor:
    even, odd = x[..., ::2].double(), x[..., 1::2].double()
    return torch.stack([even * a.cos() - odd * a.sin(), odd * a.cos() + even * a.sin()], -1).flatten(-2).to(x.dtype)


def faulty(x: Tensor, *, base: float, first: int) -> Tensor:
    y = mended(x, base=base, first=first)
    if x.ndim == 3 and x.shape[-2] == 1:
        y[1:] = x[1:]
    return y


def mended(x: Tensor, *, base: float, first: int) -> Tensor:
    return turned(x, angles(x.shape[-2], x.shape[-1], base, first))
