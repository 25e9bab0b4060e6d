"""The bound of probabilities is one of logits, and logits below it become 0, which is not likely and not unlikely.

https://github.com/sgl-project/sglang-jax/pull/1563
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, max, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "min_p_rejects_to_zero.filtered"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Nguyen et al. 2024, arXiv:2407.01082v4, sec. 3"),
    options={"least": (0.1, 0.02, 0.5)}, scales={"logits": "scores"}, smallest={"v": 1},
)  # fmt: skip
def filtered(logits: Float[Given, " v"], *, least: float) -> Float[Given, " v"]:
    """The distribution over the words that have at least a share of the likeliest one's probability."""
    j = index("v")
    p = softmax(j, logits[j]).stack(j)
    bound = least * max(j, p[j])
    kept = where(p[j] >= bound, p[j], 0)
    y = kept / sum(j, kept)
    return y.stack(j)


def faulty(logits: Tensor, *, least: float) -> Tensor:
    bound = logits.amax(-1, keepdim=True) * least
    return torch.softmax(torch.where(logits < bound, 0.0, logits), -1)


def mended(logits: Tensor, *, least: float) -> Tensor:
    p = torch.softmax(logits, -1)
    kept = torch.where(p < least * p.amax(-1, keepdim=True), 0, p)
    return kept / kept.sum(-1, keepdim=True)
