"""The slopes are one geometric sequence also where the number of heads is not a power of two.

https://github.com/ml-explore/mlx/pull/3071
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "alibi_slopes_of_any_heads.alibi"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Press, Smith and Lewis 2022, arXiv:2108.12409v2, sec. 3; their code"), largest={"H": 31})
def alibi(q: Float[Given, "H t d"], k: Float[Given, "H t d"], v: Float[Given, "H t e"]) -> Float[Given, "H t e"]:
    """Causal attention whose scores fall with the distance; heads beyond a power of two have slopes in between."""
    h, i, j = index("H"), index("t"), index("t")
    H, d = size("H"), size("d")
    n = where(H < 2, 1, where(H < 4, 2, where(H < 8, 4, where(H < 16, 8, 16))))
    slope = where(h < n, 2 ** (0 - 8 * (h + 1) / n), 2 ** (0 - 4 * (2 * (h - n) + 1) / n))
    e = q[h, i] @ k[h, j] / sqrt(d) - slope * (i - j)
    alpha = softmax(j, e, where=j <= i)
    c = sum(j, alpha * v[h, j], where=j <= i)
    return c.stack(h, i)


def sequence(heads: int) -> Tensor:
    return 2 ** (-8 * torch.arange(1, heads + 1, dtype=torch.float64) / max(heads, 1))


def attend(q: Tensor, k: Tensor, v: Tensor, slopes: Tensor) -> Tensor:
    place = torch.arange(q.shape[-2])
    away = place.unsqueeze(-1) - place
    e = q @ k.mT / q.shape[-1] ** 0.5 - (slopes.reshape(-1, 1, 1) * away).to(q.dtype)
    return torch.softmax(e.masked_fill(away < 0, float("-inf")), -1) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, sequence(q.shape[-3]))


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    heads = q.shape[-3]
    power = 1 << max(heads.bit_length() - 1, 0)
    return attend(q, k, v, torch.cat([sequence(power), sequence(2 * power)[::2]])[:heads])
