"""Heads of keys are repeated as a whole, so that neighbouring heads of queries read different ones.

https://github.com/ekzhang/jax-js/pull/180
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Array

EQUATION = "grouped_heads_tiled.grouped"
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
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    group = q.shape[-3] // k.shape[-3]
    repeats = (1,) * (k.ndim - 3) + (group, 1, 1)
    return attention(q, k.repeat(repeats), v.repeat(repeats))


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    group = q.shape[-3] // k.shape[-3]
    return attention(q, k.repeat_interleave(group, -3), v.repeat_interleave(group, -3))
