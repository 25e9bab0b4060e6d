"""The causal mask is laid into the mask that is given, and left out where that hides nothing.

https://github.com/facebookresearch/xformers/pull/104
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "causal_skipped_where_all_seen.seen_so_far"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Vaswani et al. 2017, arXiv:1706.03762v7, sec. 3.2.3; with a mask of the keys"))
def seen_so_far(
    q: Float[Given, "t d"], k: Float[Given, "t d"], v: Float[Given, "t e"], mask: Bool[Given, " t"]
) -> Float[Given, "t e"]:
    """Causal attention to the keys at which mask is true; a query without any reads 0."""
    i, j = index("t"), index("t")
    d = size("d")
    seen = (j <= i) & mask[j]
    e = (q[i] @ k[j] / sqrt(d)).stack(i, j)
    p = softmax(j, e[i, j], where=seen).stack(i, j)
    c = sum(j, p[i, j] * v[j], where=seen)
    return c.stack(i)


def attend(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    p = torch.softmax(e, -1)
    return torch.where(seen.any(-1, keepdim=True), p, 0) @ v


def past(rows: int) -> Tensor:
    return torch.ones(rows, rows, dtype=torch.bool).tril()


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    if mask.all():
        return attend(q, k, v, torch.ones_like(past(q.shape[-2])))
    return mended(q, k, v, mask)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask.unsqueeze(-2) & past(q.shape[-2]))
