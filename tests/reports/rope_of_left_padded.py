"""Rows are turned by their place in the batch, also where padding stands in front of them.

https://github.com/huggingface/transformers/issues/22161
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_of_left_padded.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34; a batch that is padded in front"))
def rotate(x: Float[Given, "t 2*d"], length: Int[Given, ""]) -> Float[Given, "t 2*d"]:
    """The last `length` rows turned by their place among themselves; padding in front is not turned."""
    i, k = index("t"), index("2*d")
    t, d = size("t"), size("d")
    before = where(length < t, t - length, 0)
    place = where(i < before, 0, i - before)
    angle = place * 10_000 ** (0 - (k // 2) / d)
    y = x[i, k] * cos(angle) + where(k % 2 == 0, -x[i, k + 1], x[i, k - 1]) * sin(angle)
    return y.stack(i, k)


def turned(x: Tensor, place: Tensor) -> Tensor:
    width = x.shape[-1]
    angle = place.unsqueeze(-1) * 10_000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], -1).flatten(-2)


def faulty(x: Tensor, length: Tensor) -> Tensor:
    return turned(x, torch.arange(x.shape[-2]))


def mended(x: Tensor, length: Tensor) -> Tensor:
    before = (x.shape[-2] - length).clamp(min=0).unsqueeze(-1)
    return turned(x, (torch.arange(x.shape[-2]) - before).clamp(min=0))
