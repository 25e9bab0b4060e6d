"""A sample none of whose tokens counts adds one to the number of tokens.

https://github.com/radixark/miles/pull/2796
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "samples_without_tokens_count.mean_loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Yu et al. 2025, arXiv:2503.14476v2, eq. 8; the mean over all tokens"))
def mean_loss(x: Float[Given, "s t"], mask: Bool[Given, "s t"]) -> Float[Given, ""]:
    """The mean over all tokens that count, of all samples together; 0 where none counts."""
    i, j = index("s"), index("t")
    total = sum(i, sum(j, x[i, j], where=mask[i, j]))
    count = sum(i, sum(j, 1, where=mask[i, j]))
    return where(count > 0, total / count, 0)


def mean(x: Tensor, mask: Tensor, least: int) -> Tensor:
    total = torch.where(mask, x, 0).sum((-2, -1))
    count = mask.sum(-1).clamp(min=least).sum(-1)
    return total / count.clamp(min=1)


def faulty(x: Tensor, mask: Tensor) -> Tensor:
    return mean(x, mask, 1)


def mended(x: Tensor, mask: Tensor) -> Tensor:
    return mean(x, mask, 0)
