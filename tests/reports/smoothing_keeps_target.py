"""Of the target's 1 the share of one class is taken off, and not the shares of all.

https://github.com/ildoonet/pytorch-randaugment/issues/30
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, log_softmax, size, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "smoothing_keeps_target.smoothed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Szegedy et al. 2016, arXiv:1512.00567v3, sec. 7"), options={"smoothing": (0.1, 0.3)})
def smoothed(logits: Float[Given, " v"], target: Int[Given, ""], *, smoothing: float) -> Float[Given, ""]:
    """Cross-entropy with a target that is mixed with the uniform distribution."""
    k = index("v")
    v = size("v")
    y = where(k == target, 1 - smoothing, 0) + smoothing / v
    return -sum(k, y * log_softmax(k, logits[k]))


def loss(logits: Tensor, target: Tensor, kept: float, smoothing: float) -> Tensor:
    v = logits.shape[-1]
    y = torch.nn.functional.one_hot(target, v).to(logits.dtype) * kept + smoothing / v
    return -(y * torch.log_softmax(logits, -1)).sum(-1)


def faulty(logits: Tensor, target: Tensor, *, smoothing: float) -> Tensor:
    return loss(logits, target, 1 - smoothing / logits.shape[-1], smoothing)


def mended(logits: Tensor, target: Tensor, *, smoothing: float) -> Tensor:
    return loss(logits, target, 1 - smoothing, smoothing)
