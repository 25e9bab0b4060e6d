"""Of the blocks of 16 keys the last ones are kept that make up a window, as if the very last of them were full.

https://github.com/vllm-project/vllm/pull/2231
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "window_by_whole_blocks.windowed"
OPTIONS: dict[str, object] = {"framework": "torch"}

BLOCK = 16


@equation(
    Source(paper="Beltagy et al. 2020, arXiv:2004.05150v2, sec. 3.1; the last query alone"),
    options={"window": (32, 16, 64)}, smallest={"m": 1},
)  # fmt: skip
def windowed(
    q: Float[Given, " d"], k: Float[Given, "m d"], v: Float[Given, "m e"], *, window: int
) -> Float[Given, " e"]:
    """Attention of the newest query to the last keys."""
    j = index("m")
    d, m = size("d"), size("m")
    alpha = softmax(j, q @ k[j] / sqrt(d), where=m - j <= window)
    return sum(j, alpha * v[j], where=m - j <= window)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    e = (k @ q.unsqueeze(-1)).squeeze(-1) / q.shape[-1] ** 0.5
    return (torch.softmax(e, -1).unsqueeze(-2) @ v).squeeze(-2)


def faulty(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    m = k.shape[-2]
    if m > window:
        empty = -m % BLOCK
        k, v = (torch.cat([a, torch.zeros_like(a[..., :1, :]).expand(*a.shape[:-2], empty, -1)], -2) for a in (k, v))
    return attend(q, k[..., -window:, :], v[..., -window:, :])


def mended(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    return attend(q, k[..., -window:, :], v[..., -window:, :])
