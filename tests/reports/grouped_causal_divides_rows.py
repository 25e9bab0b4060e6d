"""The row of a query is divided by the heads of a group, as if the heads were packed into rows, which they are not.

https://github.com/Dao-AILab/flash-attention/pull/2528
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "grouped_causal_divides_rows.grouped"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Ainslie et al. 2023, arXiv:2305.13245v3, sec. 2.2"))
def grouped(q: Float[Given, "g*K t d"], k: Float[Given, "K t d"], v: Float[Given, "K t e"]) -> Float[Given, "g*K t e"]:
    """Causal attention in which a group of neighbouring heads of queries reads one head of keys and values."""
    h, i, j = index("g*K"), index("t"), index("t")
    d, g = size("d"), size("g")
    e = (q[h, i] @ k[h // g, j] / sqrt(d)).stack(h, i, j)
    p = softmax(j, e[h, i, j], where=j <= i).stack(h, i, j)
    c = sum(j, p[h, i, j] * v[h // g, j], where=j <= i)
    return c.stack(h, i)


def attention(q: Tensor, k: Tensor, v: Tensor, divided: bool) -> Tensor:
    group = q.shape[-3] // k.shape[-3] if k.shape[-3] else 1
    keys, values = k.repeat_interleave(group, -3), v.repeat_interleave(group, -3)
    place = torch.arange(q.shape[-2])
    row = place // group if divided else place
    e = (q @ keys.mT / q.shape[-1] ** 0.5).masked_fill(place > row.unsqueeze(-1), float("-inf"))
    return torch.softmax(e, -1) @ values


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, divided=True)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, divided=False)
