"""A warp weighs one split in each of its 32 lanes; the weights of further splits are what was in memory, here 0.

https://github.com/flashinfer-ai/flashinfer/pull/4573
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum
from attnspec.notation import Tensor as Given

EQUATION = "merge_of_32_splits.merged"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Dao et al. 2023, flash-decoding, https://pytorch.org/blog/flash-decoding/"), smallest={"s": 1})
def merged(c: Float[Given, "s e"], lse: Float[Given, " s"]) -> Float[Given, " e"]:
    """Attention over all keys, from what it gives over each of s parts, and the logarithms of their sums."""
    k = index("s")
    weight = softmax(k, lse[k])
    return sum(k, weight * c[k])


LANES = 32


def combine(c: Tensor, lse: Tensor, weighed: int) -> Tensor:
    weights = torch.softmax(lse[..., :weighed], -1)
    weights = torch.nn.functional.pad(weights, (0, lse.shape[-1] - weights.shape[-1]))
    return (weights.unsqueeze(-2) @ c).squeeze(-2)


def faulty(c: Tensor, lse: Tensor) -> Tensor:
    return combine(c, lse, LANES)


def mended(c: Tensor, lse: Tensor) -> Tensor:
    return combine(c, lse, lse.shape[-1])
