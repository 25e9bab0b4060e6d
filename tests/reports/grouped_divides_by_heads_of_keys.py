"""The number of a head is divided by the number of heads of keys, and not by the size of a group.

https://github.com/PSAL-POSTECH/ONNXim/pull/34
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Array

EQUATION = "grouped_divides_by_heads_of_keys.grouped"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Ainslie et al. 2023, arXiv:2305.13245v3, sec. 2.2"))
def grouped(q: Float[Array, "g*K n d"], k: Float[Array, "K m d"], v: Float[Array, "K m e"]) -> Float[Array, "g*K n e"]:
    """Attention in which a group of neighbouring heads of queries reads one head of keys and values."""
    h, i, j = index("g*K"), index("n"), index("m")
    d, g = size("d"), size("g")
    e = (q[h, i] @ k[h // g, j] / sqrt(d)).stack(h, i, j)
    p = softmax(j, e[h, i, j]).stack(h, i, j)
    c = sum(j, p[h, i, j] * v[h // g, j])
    return c.stack(h, i)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def reads(q: Tensor, k: Tensor, v: Tensor, divisor: int) -> Tensor:
    head = (torch.arange(q.shape[-3]) // max(divisor, 1)).clamp(max=k.shape[-3] - 1)
    return attention(q, k.index_select(-3, head), v.index_select(-3, head))


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return reads(q, k, v, k.shape[-3])


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return reads(q, k, v, q.shape[-3] // k.shape[-3])
