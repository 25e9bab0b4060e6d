"""The scores of the others are divided by the temperature, and that of the right one is not.

https://github.com/RElbers/info-nce-pytorch/pull/17
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, log, max, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "contrastive_positive_not_scaled.loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="van den Oord et al. 2018, arXiv:1807.03748v2, eq. 4; with a temperature"),
    options={"tau": (0.5, 2.0)}, smallest={"m": 1},
)  # fmt: skip
def loss(
    q: Float[Given, " d"], right: Float[Given, " d"], others: Float[Given, "m d"], *, tau: float
) -> Float[Given, ""]:
    """How unlikely the right one is among the others, by their products with a query."""
    j = index("m")
    positive = q @ right / tau
    negative = (others[j] @ q / tau).stack(j)
    most = max(j, negative[j])
    top = where(positive > most, positive, most)
    return log(exp(positive - top) + sum(j, exp(negative[j] - top))) - (positive - top)


def faulty(q: Tensor, right: Tensor, others: Tensor, *, tau: float) -> Tensor:
    positive = (q * right).sum(-1, keepdim=True)
    negative = (others @ q[..., None]).squeeze(-1) / tau
    return -torch.log_softmax(torch.cat([positive, negative], -1), -1)[..., 0]


def mended(q: Tensor, right: Tensor, others: Tensor, *, tau: float) -> Tensor:
    positive = (q * right).sum(-1, keepdim=True)
    negative = (others @ q[..., None]).squeeze(-1)
    return -torch.log_softmax(torch.cat([positive, negative], -1) / tau, -1)[..., 0]
