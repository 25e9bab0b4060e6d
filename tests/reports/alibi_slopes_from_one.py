"""The slopes of the heads are a power too large: that of the first head is 1.

https://github.com/paiml/aprender/pull/2143
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Array

EQUATION = "alibi_slopes_from_one.alibi"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Press, Smith and Lewis 2022, arXiv:2108.12409v2, sec. 3"))
def alibi(q: Float[Array, "H t d"], k: Float[Array, "H t d"], v: Float[Array, "H t e"]) -> Float[Array, "H t e"]:
    """Causal attention of heads whose scores fall with the distance, by a slope of 2^(-8 (h + 1) / H)."""
    h, i, j = index("H"), index("t"), index("t")
    H, d = size("H"), size("d")
    slope = 2 ** (0 - 8 * (h + 1) / H)
    e = q[h, i] @ k[h, j] / sqrt(d) - slope * (i - j)
    alpha = softmax(j, e, where=j <= i)
    c = sum(j, alpha * v[h, j], where=j <= i)
    return c.stack(h, i)


def attend(q: Tensor, k: Tensor, v: Tensor, first: int) -> Tensor:
    heads, t = q.shape[-3], q.shape[-2]
    slopes = 2 ** (-8 * (first + torch.arange(heads, dtype=torch.float64)) / heads)
    place = torch.arange(t)
    away = place.unsqueeze(-1) - place
    e = q @ k.mT / math.sqrt(q.shape[-1]) - (slopes.reshape(-1, 1, 1) * away).to(q.dtype)
    return torch.softmax(e.masked_fill(away < 0, -math.inf), -1) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, first=0)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, first=1)
