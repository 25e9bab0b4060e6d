"""The kernel is called without the window, and looks at all keys so far.

https://github.com/EricLBuehler/mistral.rs/issues/2094
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Array

EQUATION = "window_not_given_to_decode.windowed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Beltagy et al. 2020, arXiv:2004.05150v2, sec. 3.1"), options={"window": (1, 3, 128)})
def windowed(
    q: Float[Array, "t d"], k: Float[Array, "t d"], v: Float[Array, "t e"], *, window: int
) -> Float[Array, "t e"]:
    """Causal attention to the last w keys, the own one included."""
    i, j = index("t"), index("t")
    d = size("d")
    seen = (j <= i) & (i < j + window)
    e = (q[i] @ k[j] / sqrt(d)).stack(i, j)
    p = softmax(j, e[i, j], where=seen).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=seen)
    return c.stack(i)


def attention(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(hidden, float("-inf"))
    return torch.softmax(e, -1) @ v


def behind(q: Tensor) -> Tensor:
    place = torch.arange(q.shape[-2])
    return place.unsqueeze(-1) - place


def faulty(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    far = behind(q)
    return attention(q, k, v, far < 0)


def mended(q: Tensor, k: Tensor, v: Tensor, *, window: int) -> Tensor:
    far = behind(q)
    return attention(q, k, v, (far < 0) | (far >= window))
