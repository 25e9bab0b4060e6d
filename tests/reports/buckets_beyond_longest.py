"""Distances beyond the longest go on to buckets that are not theirs.

https://github.com/huggingface/candle/pull/1312
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, abs, index, size, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "buckets_beyond_longest.biased"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Raffel et al. 2020, arXiv:1910.10683v4, sec. 2.1; Hugging Face, _relative_position_bucket"),
    options={"longest": (16.0, 40.0)}, smallest={"w": 1}, largest={"w": 4},
)  # fmt: skip
def biased(e: Float[Given, "n m"], B: Float[Given, " 4*w"], *, longest: float) -> Float[Given, "n m"]:
    """Scores with a bias for the distance: one each for near keys, then buckets that grow; ahead there are others."""
    i, j, b = index("n"), index("m"), index("w")
    w = size("w")
    far = abs(i - j)
    steps = sum(b, 1, where=(b > 0) & (far >= w * (longest / w) ** (b / w)))
    near = where(far < w, far, w + steps)
    bucket = where(j > i, 2 * w + near, near)
    y = e[i, j] + B[bucket]
    return y.stack(i, j)


def with_bias(e: Tensor, B: Tensor, longest: float, last: int) -> Tensor:
    w = B.shape[-1] // 4
    behind = torch.arange(e.shape[-2])[:, None] - torch.arange(e.shape[-1])
    far = behind.abs()
    bounds = w * (longest / w) ** (torch.arange(1, last).double() / w)
    steps = (far[..., None] >= bounds).sum(-1)
    bucket = torch.where(far < w, far, w + steps) + torch.where(behind < 0, 2 * w, 0)
    return e + B[..., bucket.clamp(max=4 * w - 1)]


def faulty(e: Tensor, B: Tensor, *, longest: float) -> Tensor:
    return with_bias(e, B, longest, B.shape[-1])


def mended(e: Tensor, B: Tensor, *, longest: float) -> Tensor:
    return with_bias(e, B, longest, B.shape[-1] // 4)
