"""The grid has no axis for heads: all blocks turn the first head, and the others stay 0.

https://github.com/paiml/aprender/pull/2079
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_first_head_alone.rotate_heads"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0)})
def rotate_heads(x: Float[Given, "t H 2*d"], *, base: float) -> Float[Given, "t H 2*d"]:
    """In each head each pair of neighbouring columns is turned by an angle that grows with the row."""
    t, h, k = index("t"), index("H"), index("2*d")
    d = size("d")
    theta = base ** (0 - (k // 2) / d)
    partner = where(k % 2 == 0, -x[t, h, k + 1], x[t, h, k - 1])
    y = x[t, h, k] * cos(t * theta) + partner * sin(t * theta)
    return y.stack(t, h, k)


def turn(x: Tensor, base: float, heads: int) -> Tensor:
    t, width = x.shape[-3], x.shape[-1]
    frequency = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    a = torch.arange(t, dtype=torch.float64).unsqueeze(-1) * frequency
    y = torch.zeros_like(x)
    for h in range(heads):
        even, odd = x[..., h, ::2].double(), x[..., h, 1::2].double()
        y[..., h, ::2] = (even * a.cos() - odd * a.sin()).to(x.dtype)
        y[..., h, 1::2] = (odd * a.cos() + even * a.sin()).to(x.dtype)
    return y


def faulty(x: Tensor, *, base: float) -> Tensor:
    return turn(x, base, min(1, x.shape[-2]))


def mended(x: Tensor, *, base: float) -> Tensor:
    return turn(x, base, x.shape[-2])
