"""Of the loss of a positive label only the logarithm is weighted, and not what is added to it.

https://github.com/PaddlePaddle/Paddle/pull/65859
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, softplus
from attnspec.notation import Tensor as Given

EQUATION = "bce_positive_weight_on_part.loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="PyTorch, BCEWithLogitsLoss with pos_weight"),
    options={"weight": (3.0, 1.0, 0.5)}, scales={"logits": "scores", "target": "bit"},
)  # fmt: skip
def loss(logits: Float[Given, " c"], target: Int[Given, " c"], *, weight: float) -> Float[Given, " c"]:
    """What each label costs; a positive one is weighted."""
    j = index("c")
    y = weight * target[j] * softplus(-logits[j]) + (1 - target[j]) * softplus(logits[j])
    return y.stack(j)


def faulty(logits: Tensor, target: Tensor, *, weight: float) -> Tensor:
    factor = 1 + (weight - 1) * target
    return torch.relu(logits) - logits * target + factor * torch.log1p(torch.exp(-logits.abs()))


def mended(logits: Tensor, target: Tensor, *, weight: float) -> Tensor:
    positive = torch.nn.functional.softplus(-logits)
    return weight * target * positive + (1 - target) * torch.nn.functional.softplus(logits)
