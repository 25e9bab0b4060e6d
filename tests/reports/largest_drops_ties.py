"""Of the words that tie at the last place that is kept some are dropped: they are kept by rank, and not by value.

https://github.com/sgl-project/sglang/pull/33539
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "largest_drops_ties.largest"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Fan, Lewis and Dauphin 2018, arXiv:1805.04833v1, sec. 5.4; FlashInfer, top_k_renorm_probs"),
    options={"kept": (1, 3, 10)}, scales={"p": "weights"}, largest={"v": 300},
)  # fmt: skip
def largest(p: Float[Given, " v"], *, kept: int) -> Float[Given, " v"]:
    """The so many likeliest words, and all that are as likely as the last of them, made to sum to 1."""
    j, k = index("v"), index("v")
    likelier = sum(j, 1, where=p[j] > p[k])
    q = where(likelier < kept, p[k], 0)
    return (q / sum(k, q)).stack(k)


def whole(p: Tensor) -> Tensor:
    return p / p.sum(-1, keepdim=True)


def faulty(p: Tensor, *, kept: int) -> Tensor:
    ordered, place = p.sort(dim=-1, descending=True, stable=True)
    ordered[..., kept:] = 0
    return whole(torch.zeros_like(p).scatter(-1, place, ordered))


def mended(p: Tensor, *, kept: int) -> Tensor:
    last = p.sort(dim=-1, descending=True).values[..., : min(kept, p.shape[-1])][..., -1:]
    return whole(torch.where(p < last, torch.zeros_like(p), p))
