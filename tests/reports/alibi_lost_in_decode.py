"""One query is given the bias of one key, which is 0, for all keys.

https://github.com/keras-team/keras-hub/pull/2862
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Array

EQUATION = "alibi_lost_in_decode.alibi_step"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Press, Smith and Lewis 2022, arXiv:2108.12409v2, sec. 3"))
def alibi_step(q: Float[Array, "H d"], k: Float[Array, "H m d"], v: Float[Array, "H m e"]) -> Float[Array, "H e"]:
    """One query of each head, whose scores rise with the place of the key, by a slope of 2^(-8 (h + 1) / H)."""
    h, j = index("H"), index("m")
    H, d = size("H"), size("d")
    slope = 2 ** (0 - 8 * (h + 1) / H)
    e = q[h] @ k[h, j] / sqrt(d) + slope * j
    alpha = softmax(j, e)
    c = sum(j, alpha * v[h, j])
    return c.stack(h)


def step(q: Tensor, k: Tensor, v: Tensor, length: int) -> Tensor:
    heads = q.shape[-2]
    slope = 2 ** (-8 * (1 + torch.arange(heads, dtype=q.dtype)) / max(heads, 1))
    bias = slope.unsqueeze(-1) * torch.arange(length)
    e = (k @ q.unsqueeze(-1)).squeeze(-1) / q.shape[-1] ** 0.5 + bias
    return (torch.softmax(e, -1).unsqueeze(-2) @ v).squeeze(-2)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return step(q, k, v, 1)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return step(q, k, v, k.shape[-2])
