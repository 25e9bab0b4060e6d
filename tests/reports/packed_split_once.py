"""Packed rows are split where the first part ends, and nowhere else.

https://github.com/Tencent-Hunyuan/HunyuanVideo/pull/310
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "packed_split_once.packed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Krell et al. 2021, arXiv:2107.02027v2, sec. 3.2"))
def packed(
    q: Float[Given, "t d"], k: Float[Given, "t d"], v: Float[Given, "t e"], begins: Bool[Given, " t"]
) -> Float[Given, "t e"]:
    """Attention among rows of the same part; a part begins where `begins` is true."""
    i, j, a = index("t"), index("t"), index("t")
    d = size("d")
    part = sum(a, 1, where=begins[a] & (a > 0) & (a <= i)).stack(i)
    same = part[i] == part[j]
    e = (q[i] @ k[j] / sqrt(d)).stack(i, j)
    p = softmax(j, e[i, j], where=same).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=same)
    return c.stack(i)


def attend(q: Tensor, k: Tensor, v: Tensor, part: Tensor) -> Tensor:
    same = part.unsqueeze(-1) == part.unsqueeze(-2)
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~same, float("-inf"))
    return torch.softmax(e, -1) @ v


def parts(begins: Tensor) -> Tensor:
    later = begins.clone()
    later[..., :1] = False
    return later.cumsum(-1)


def faulty(q: Tensor, k: Tensor, v: Tensor, begins: Tensor) -> Tensor:
    return attend(q, k, v, parts(begins).clamp(max=1))


def mended(q: Tensor, k: Tensor, v: Tensor, begins: Tensor) -> Tensor:
    return attend(q, k, v, parts(begins))
