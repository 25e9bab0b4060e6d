"""The gradient of a mean over targets is divided by 0 where there are no targets.

https://github.com/ROCm/aiter/pull/5165
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "loss_gradient_of_no_targets.gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="PyTorch, torch.nn.functional.cross_entropy with ignore_index"),
    scales={"logits": "scores", "target": "token or missing"}, sizes={"v": "words"},
)  # fmt: skip
def gradient(logits: Float[Given, "t v"], target: Int[Given, " t"]) -> Float[Given, "t v"]:
    """The gradient of the mean loss over the targets that are not missing; 0 where there are none."""
    i, k = index("t"), index("v")
    count = sum(i, 1, where=target[i] >= 0)
    p = softmax(k, logits[i, k])
    d_logits = where(target[i] >= 0, (p - where(k == target[i], 1, 0)) / count, 0)
    return d_logits.stack(i, k)


def slopes(logits: Tensor, target: Tensor, at_least: int) -> Tensor:
    there = target >= 0
    right = torch.nn.functional.one_hot(target.clamp(min=0), logits.shape[-1])
    d_logits = torch.where(there.unsqueeze(-1), torch.softmax(logits, -1) - right, 0.0)
    return d_logits / there.sum(-1).clamp(min=at_least)[..., None, None]


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    return slopes(logits, target, 0)


def mended(logits: Tensor, target: Tensor) -> Tensor:
    return slopes(logits, target, 1)
