"""The base that has grown for a long sequence stays for the shorter ones that come after it.

https://github.com/huggingface/transformers/issues/25306
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_base_stays_long.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


LONGEST: list[int] = [0]


@equation(
    Source(paper="Peng et al. 2023, arXiv:2309.00071v2, app. B.2; the factor grows with the length"),
    options={"factor": (2.0, 4.0), "longest": (8, 3, 16)}, smallest={"d": 2},
)  # fmt: skip
def rotate(x: Float[Given, "t 2*d"], *, factor: float, longest: int) -> Float[Given, "t 2*d"]:
    """Rows turned by their place, the more slowly the longer they are."""
    i, k = index("t"), index("2*d")
    t, d = size("t"), size("d")
    length = where(t > longest, t, longest)
    base = 10_000 * (factor * length / longest - (factor - 1)) ** (d / (d - 1))
    angle = i * base ** (0 - (k // 2) / d)
    y = x[i, k] * cos(angle) + where(k % 2 == 0, -x[i, k + 1], x[i, k - 1]) * sin(angle)
    return y.stack(i, k)


def turned(x: Tensor, base: float) -> Tensor:
    rows, width = x.shape[-2:]
    frequency = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angle = torch.arange(rows, dtype=torch.float64).unsqueeze(-1) * frequency
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], -1).flatten(-2)


def grown(rows: int, width: int, factor: float, longest: int) -> float:
    if rows <= longest:
        return 10_000.0
    return float(10_000 * (factor * rows / longest - (factor - 1)) ** (width / (width - 2)))


def faulty(x: Tensor, *, factor: float, longest: int) -> Tensor:
    LONGEST[0] = max(LONGEST[0], x.shape[-2])
    return turned(x, grown(LONGEST[0], x.shape[-1], factor, longest))


def mended(x: Tensor, *, factor: float, longest: int) -> Tensor:
    return turned(x, grown(x.shape[-2], x.shape[-1], factor, longest))
