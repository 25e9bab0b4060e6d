"""Behind a prefix the window begins as many keys before the row of a query in the suffix, and not before its place.

https://github.com/trymirai/lalamo/pull/200
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "window_of_suffix_rows.windowed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Beltagy et al. 2020, arXiv:2004.05150v2, sec. 3.1; keys of a prefix are kept"),
    options={"window": (4, 1, 128)},
)  # fmt: skip
def windowed(
    q: Float[Given, "n d"], k: Float[Given, "n+s d"], v: Float[Given, "n+s e"], *, window: int
) -> Float[Given, "n e"]:
    """Causal attention to the last w keys, the own one included, of queries behind a prefix."""
    i, j = index("n"), index("n+s")
    d, s = size("d"), size("s")
    seen = (j <= i + s) & (i + s < j + window)
    p = softmax(j, q[i] @ k[j] / sqrt(d), where=seen).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=seen)
    return c.stack(i)


def attend(q: Tensor, k: Tensor, v: Tensor, window: int, first: int) -> Tensor:
    n, m = q.shape[-2], k.shape[-2]
    full = torch.ones(n, m).bool()
    seen = full.tril(m - n) & full.triu(first - window + 1)
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    return torch.softmax(e, -1) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    return attend(q, k, v, window, 0)


def mended(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    return attend(q, k, v, window, k.shape[-2] - q.shape[-2])
