"""The uniform part of a smoothed loss is summed over padding too, and divided by what counts.

https://github.com/pytorch/pytorch/issues/73205
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, Int, index, log_softmax, size, sum
from attnspec.notation import Tensor as Array

EQUATION = "smoothing_counts_padding.smoothed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Szegedy et al. 2016, arXiv:1512.00567v3, sec. 7"),
    smallest={"t": 1},
    options={"smoothing": (0.1, 0.3)},
)
def smoothed(
    logits: Float[Array, "t v"], target: Int[Array, " t"], valid: Bool[Array, " t"], *, smoothing: float
) -> Float[Array, ""]:
    """The mean over what counts of a cross-entropy whose target is mixed with the uniform distribution."""
    i, k = index("t"), index("v")
    v = size("v")
    log_p = log_softmax(k, logits[i, k]).stack(i, k)
    uniform = -sum(k, log_p[i, k]) / v
    loss = (1 - smoothing) * -log_p[i, target[i]] + smoothing * uniform
    return sum(i, loss, where=valid[i]) / sum(i, 1, where=valid[i])


def loss(logits: Tensor, target: Tensor, valid: Tensor, smoothing: float, all_places: bool) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    hit = -log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    uniform = -log_p.mean(-1)
    sharp = torch.where(valid, hit, 0).sum(-1)
    flat = (uniform if all_places else torch.where(valid, uniform, 0)).sum(-1)
    return ((1 - smoothing) * sharp + smoothing * flat) / valid.sum(-1)


def faulty(logits: Tensor, target: Tensor, valid: Tensor, *, smoothing: float) -> Tensor:
    return loss(logits, target, valid, smoothing, all_places=True)


def mended(logits: Tensor, target: Tensor, valid: Tensor, *, smoothing: float) -> Tensor:
    return loss(logits, target, valid, smoothing, all_places=False)
