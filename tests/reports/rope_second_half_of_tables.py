"""Only the first half of the cosines and sines is read, and used for both halves of each row.

https://github.com/Tencent/ncnn/issues/6833
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, concat, index, size
from attnspec.notation import Tensor as Given

EQUATION = "rope_second_half_of_tables.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Heo et al. 2024, arXiv:2403.13298v2, sec. 3; with rows of tables for two directions"))
def rotate(
    x: Float[Given, "t 2*h"], cosine: Float[Given, "t 2*h"], sine: Float[Given, "t 2*h"]
) -> Float[Given, "t 2*h"]:
    """Each half turned with the other one, by a cosine and a sine of its own for each column."""
    i, j = index("t"), index("h")
    h = size("h")
    left = (x[i, j] * cosine[i, j] - x[i, h + j] * sine[i, j]).stack(i, j)
    right = (x[i, h + j] * cosine[i, h + j] + x[i, j] * sine[i, h + j]).stack(i, j)
    return concat(left, right)


def turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    left, right = x.chunk(2, -1)
    return x * cosine + torch.cat([-right, left], -1) * sine


def faulty(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return turned(x, torch.cat([cosine[..., :half]] * 2, -1), torch.cat([sine[..., :half]] * 2, -1))


def mended(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    return turned(x, cosine, sine)
