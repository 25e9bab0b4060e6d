"""All columns are turned, although the model says that a part of them is.

https://github.com/AI-Hypercomputer/maxtext/pull/4615
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_share_ignored.rotate"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34; Hugging Face, partial_rotary_factor"),
    options={"parts": (4, 1, 2)},
)
def rotate(x: Float[Given, "t 8*d"], *, parts: int) -> Float[Given, "t 8*d"]:
    """The first columns of a row, one of so many parts of them, are turned by its place; the others stay."""
    i, k = index("t"), index("8*d")
    d = size("d")
    half = 4 * d // parts
    angle = i * 10_000 ** (0 - (k % half) / half)
    partner = where(k < half, -x[i, k + half], x[i, k - half])
    turned = x[i, k] * cos(angle) + partner * sin(angle)
    y = where(k < 2 * half, turned, x[i, k])
    return y.stack(i, k)


def turn(x: Tensor, width: int) -> Tensor:
    half = width // 2
    angle = torch.arange(x.shape[-2]).double()[:, None] * 10_000.0 ** (-torch.arange(half).double() / max(half, 1))
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    left, right, rest = x[..., :half], x[..., half:width], x[..., width:]
    return torch.cat([left * cosine - right * sine, right * cosine + left * sine, rest], -1)


def faulty(x: Tensor, *, parts: int) -> Tensor:
    return turn(x, x.shape[-1])


def mended(x: Tensor, *, parts: int) -> Tensor:
    return turn(x, x.shape[-1] // parts)
