"""Of a prompt beyond the window only the last keys are kept, and the first queries see none.

https://github.com/lablup/mlxcel/pull/412
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "window_keys_cut_for_early_rows.windowed"
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


def attend(q: Tensor, k: Tensor, v: Tensor, first: int, window: int) -> Tensor:
    i, j = torch.arange(q.shape[-2]).unsqueeze(-1), torch.arange(first, q.shape[-2])
    seen = (j <= i) & (i < j + window)
    e = (q @ k[..., first:, :].mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    return torch.softmax(e, -1) @ v[..., first:, :]


def faulty(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    return attend(q, k, v, max(0, q.shape[-2] - window), window)


def mended(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    return attend(q, k, v, 0, window)
