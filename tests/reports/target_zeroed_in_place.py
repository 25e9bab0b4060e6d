"""The word of the draft is taken out of the given probabilities themselves.

https://github.com/vllm-project/vllm-ascend/pull/2881
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "target_zeroed_in_place.recovered"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Leviathan et al. 2023, arXiv:2211.17192v2, sec. 2.3; a draft of one word"),
    scales={"p": "weights", "y": "token"}, smallest={"v": 2},
)  # fmt: skip
def recovered(p: Float[Given, " v"], y: Int[Given, ""]) -> Float[Given, " v"]:
    """The distribution from which a word is drawn once y is rejected: p without y; 0 where nothing is left."""
    k = index("v")
    left = where(k == y, 0, p[k]).stack(k)
    total = sum(k, left[k])
    q = where(total > 0, left[k] / total, 0)
    return q.stack(k)


def recover(p: Tensor, y: Tensor) -> Tensor:
    p.scatter_(-1, y.unsqueeze(-1), 0.0)
    total = p.sum(-1, keepdim=True)
    return torch.where(total > 0, p / total, 0)


def faulty(p: Tensor, y: Tensor) -> Tensor:
    return recover(p, y)


def mended(p: Tensor, y: Tensor) -> Tensor:
    return recover(p.clone(), y)
