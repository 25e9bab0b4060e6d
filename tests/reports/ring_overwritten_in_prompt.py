"""Keys of a prompt that is longer than the window are written over each other before they are read.

https://github.com/Lightning-AI/litgpt/issues/2182
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "ring_overwritten_in_prompt.windowed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Beltagy et al. 2020, arXiv:2004.05150v2, sec. 3.1; keys before and at the query"),
    options={"window": (4, 16, 3)}, sizes={"t": "steps"},
)  # fmt: skip
def windowed(
    q: Float[Given, "t d"], k: Float[Given, "t d"], v: Float[Given, "t e"], *, window: int
) -> Float[Given, "t e"]:
    """Attention of each query to the last keys up to its own place, as many as the window has."""
    i, j = index("t"), index("t")
    d = size("d")
    seen = (j <= i) & (i < j + window)
    alpha = softmax(j, q[i] @ k[j] / sqrt(d), where=seen).stack(i, j)
    o = sum(j, alpha[i, j] * v[j], where=seen)
    return o.stack(i)


def attend(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    return torch.softmax(e, -1) @ v


def band(t: int, window: int) -> Tensor:
    i, j = torch.arange(t).unsqueeze(-1), torch.arange(t)
    return (j <= i) & (i < j + window)


def faulty(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    t = q.shape[-2]
    if t <= window:
        return attend(q, k, v, band(t, window))
    slot = torch.arange(window)
    holder = t - 1 - (t - 1 - slot) % window
    return attend(q, k[..., holder, :], v[..., holder, :], slot <= torch.arange(t).unsqueeze(-1))


def mended(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    return attend(q, k, v, band(q.shape[-2], window))
