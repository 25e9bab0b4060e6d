"""The factor by which slow rotations are slowed down is 8, whatever the model says.

https://github.com/meta-llama/llama-models/issues/241
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, concat, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_factor_of_eight.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Grattafiori et al. 2024, arXiv:2407.21783v3, sec. 3.2; Llama 3.1, rope_scaling"),
    options={"factor": (32.0, 8.0, 2.0), "longest": (256, 64)},
)  # fmt: skip
def rotate(x: Float[Given, "t 2*h"], *, factor: float, longest: int) -> Float[Given, "t 2*h"]:
    """Rows turned by their place, the slow columns more slowly by a factor, those between by a part of it."""
    i, j = index("t"), index("h")
    h = size("h")
    fast = 10_000 ** (0 - j / h)
    turns = longest * fast / 6.283185307179586
    share = (turns - 1) / 3  # from 1 turn to 4
    between = (1 - share) * fast / factor + share * fast
    slowed = where(turns > 4, fast, where(turns < 1, fast / factor, between))
    angle = i * slowed
    left = (x[i, j] * cos(angle) - x[i, h + j] * sin(angle)).stack(i, j)
    right = (x[i, h + j] * cos(angle) + x[i, j] * sin(angle)).stack(i, j)
    return concat(left, right)


def turned(x: Tensor, factor: float, longest: int) -> Tensor:
    rows, half = x.shape[-2], x.shape[-1] // 2
    fast = 10_000.0 ** (-torch.arange(half).double() / max(half, 1))
    turns = longest * fast / (2 * torch.pi)
    share = ((turns - 1) / 3).clamp(0, 1)
    angle = torch.arange(rows).double()[:, None] * ((1 - share) * fast / factor + share * fast)
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    left, right = x.chunk(2, -1) if half else (x, x)
    return torch.cat([left * cosine - right * sine, right * cosine + left * sine], -1)


def faulty(x: Tensor, *, factor: float, longest: int) -> Tensor:
    return turned(x, 8.0, longest)


def mended(x: Tensor, *, factor: float, longest: int) -> Tensor:
    return turned(x, factor, longest)
