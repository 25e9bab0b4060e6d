"""Of the frames to the right that a window shows, the last one is left out.

https://github.com/huggingface/transformers/pull/47010
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "window_right_one_fewer.windowed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Beltagy et al. 2020, arXiv:2004.05150v2, sec. 3.1"), options={"left": (1, 4, 16), "right": (4, 0, 2)}
)
def windowed(
    q: Float[Given, "t d"], k: Float[Given, "t d"], v: Float[Given, "t e"], *, left: int, right: int
) -> Float[Given, "t e"]:
    """Attention to fewer than `left` rows before the own one, to it, and to `right` rows behind it."""
    i, j = index("t"), index("t")
    d = size("d")
    seen = (i < j + left) & (j <= i + right)
    p = softmax(j, q[i] @ k[j] / sqrt(d), where=seen).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=seen)
    return c.stack(i)


def attention(q: Tensor, k: Tensor, v: Tensor, left: int, right: int) -> Tensor:
    place = torch.arange(q.shape[-2])
    behind = place.unsqueeze(-1) - place
    seen = ((behind >= 0) & (behind < left)) | ((behind < 0) & (-behind < right))
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    return torch.softmax(e, -1) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor, *, left: int, right: int) -> Tensor:
    return attention(q, k, v, left, right)


def mended(q: Tensor, k: Tensor, v: Tensor, *, left: int, right: int) -> Tensor:
    return attention(q, k, v, left, right + 1)
