"""The loop over keys starts at the place of the first query, and passes over those that were stored before.

https://github.com/openai/gpt-oss/pull/196
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "first_keys_skipped_by_offset.continued"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Vaswani et al. 2017, arXiv:1706.03762v7, sec. 3.2.3; queries from a place on"),
    options={"start": (0, 7, 40)}, sizes={"s": "keys"},
)  # fmt: skip
def continued(
    q: Float[Given, "n d"], k: Float[Given, "n+s d"], v: Float[Given, "n+s e"], *, start: int
) -> Float[Given, "n e"]:
    """Causal attention of queries that stand at the places from `start` on."""
    i, j = index("n"), index("n+s")
    d = size("d")
    alpha = softmax(j, q[i] @ k[j] / sqrt(d), where=j <= i + start).stack(i, j)
    o = sum(j, alpha[i, j] * v[j], where=j <= i + start)
    return o.stack(i)


def attend(q: Tensor, k: Tensor, v: Tensor, start: int, first: int) -> Tensor:
    i, j = torch.arange(q.shape[-2]).unsqueeze(-1), torch.arange(k.shape[-2])
    seen = (j <= i + start) & (j >= first)
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor, *, start: int) -> Tensor:
    return attend(q, k, v, start, start)


def mended(q: Tensor, k: Tensor, v: Tensor, *, start: int) -> Tensor:
    return attend(q, k, v, start, 0)
