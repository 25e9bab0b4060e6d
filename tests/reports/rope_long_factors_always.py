"""The factors for long texts are taken for short ones too.

https://github.com/ml-explore/mlx-lm/pull/660
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_long_factors_always.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Ding et al. 2024, arXiv:2402.13753v1, sec. 3; Phi-3, short_factor and long_factor"),
    options={"longest": (4, 16)}, scales={"short": "positive", "long": "positive"},
)  # fmt: skip
def rotate(
    x: Float[Given, "t 2*h"], short: Float[Given, " h"], long: Float[Given, " h"], *, longest: int
) -> Float[Given, "t 2*h"]:
    """Rows turned by their place, each pair of columns more slowly by a factor; long texts have their own factors."""
    i, k = index("t"), index("2*h")
    t, h = size("t"), size("h")
    factor = where(t > longest, long[k % h], short[k % h])
    angle = i * 10_000 ** (0 - (k % h) / h) / factor
    partner = where(k < h, -x[i, k + h], x[i, k - h])
    y = x[i, k] * cos(angle) + partner * sin(angle)
    return y.stack(i, k)


def turned(x: Tensor, factor: Tensor) -> Tensor:
    rows, half = x.shape[-2], x.shape[-1] // 2
    fast = 10_000.0 ** (-torch.arange(half).double() / max(half, 1))
    angle = torch.arange(rows).double()[:, None] * (fast / factor.double()).unsqueeze(-2)
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    left, right = x[..., :half], x[..., half:]
    return torch.cat([left * cosine - right * sine, right * cosine + left * sine], -1)


def faulty(x: Tensor, short: Tensor, long: Tensor, *, longest: int) -> Tensor:
    return turned(x, long)


def mended(x: Tensor, short: Tensor, long: Tensor, *, longest: int) -> Tensor:
    return turned(x, long if x.shape[-2] > longest else short)
