"""The last table is kept under half of its width, and found again by a call with rows of that width.

https://github.com/ml-explore/mlx/pull/561
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, concat, cos, index, sin, size
from attnspec.notation import Tensor as Given

EQUATION = "rope_table_cached_for_half_width.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Su et al. 2021, arXiv:2104.09864v5, sec. 3.4.2; halves turned together"),
    options={"base": (10000.0, 500.0)},
)
def rotate(x: Float[Given, "t 2*h"], *, base: float) -> Float[Given, "t 2*h"]:
    """Each row turned by its place, column j of the first half with that of the second."""
    i, j = index("t"), index("h")
    h = size("h")
    angle = i * base ** (0 - j / h)
    left = (x[i, j] * cos(angle) - x[i, h + j] * sin(angle)).stack(i, j)
    right = (x[i, h + j] * cos(angle) + x[i, j] * sin(angle)).stack(i, j)
    return concat(left, right)


CACHE: dict[str, Any] = {"key": None}


def table(rows: int, width: int, base: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    half = width // 2
    angle = torch.arange(rows)[:, None] * base ** (-torch.arange(half).double() / max(half, 1))
    return torch.cos(angle).to(dtype), torch.sin(angle).to(dtype)


def turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    left, right = x.chunk(2, -1)
    return torch.cat([left * cosine - right * sine, right * cosine + left * sine], -1)


def faulty(x: Tensor, *, base: float) -> Tensor:
    rows, width = x.shape[-2:]
    if CACHE["key"] != (rows, width, base, x.dtype):
        CACHE["table"] = table(rows, width, base, x.dtype)
        CACHE["key"] = (rows, width // 2, base, x.dtype)
    return turned(x, *CACHE["table"])


def mended(x: Tensor, *, base: float) -> Tensor:
    rows, width = x.shape[-2:]
    return turned(x, *table(rows, width, base, x.dtype))
