"""The head of a block is found by the size of a group twice: unless it is the number of groups, some are never visited.

https://github.com/HazyResearch/HipKittens/pull/22
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Array

EQUATION = "grouped_blocks_collide.grouped"
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


def visit(q: Tensor, k: Tensor, v: Tensor, of_group: bool) -> Tensor:
    heads, groups = q.shape[-3], k.shape[-3]
    size = heads // groups
    block = torch.arange(heads)
    by = size if of_group else groups
    visited = (block % by) * size + block // by
    visited = visited[visited < heads]
    c = q.new_zeros(*q.shape[:-1], v.shape[-1])
    own = visited // size
    c[..., visited, :, :] = attention(q[..., visited, :, :], k[..., own, :, :], v[..., own, :, :])
    return c


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return visit(q, k, v, of_group=True)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return visit(q, k, v, of_group=False)
