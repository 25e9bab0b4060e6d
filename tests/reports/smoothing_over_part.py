"""The words are in parts of 128, and the mean of their log-probabilities is over the first part alone.

https://github.com/NVIDIA/Megatron-LM/issues/7464
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, log_softmax, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "smoothing_over_part.smoothed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Szegedy et al. 2016, arXiv:1512.00567v3, sec. 7"), options={"share": (0.1, 0.3)},
    scales={"logits": "scores", "target": "token"}, sizes={"v": "words"},
)  # fmt: skip
def smoothed(logits: Float[Given, " v"], target: Int[Given, ""], *, share: float) -> Float[Given, ""]:
    """Cross-entropy with a target of which a share is spread over all words."""
    k = index("v")
    v = size("v")
    log_p = log_softmax(k, logits[k]).stack(k)
    return -(1 - share) * log_p[target] - share * sum(k, log_p[k]) / v


PART = 128


def loss(logits: Tensor, target: Tensor, share: float, part: int) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    right = log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return -(1 - share) * right - share * log_p[..., :part].mean(-1)


def faulty(logits: Tensor, target: Tensor, *, share: float) -> Tensor:
    return loss(logits, target, share, PART)


def mended(logits: Tensor, target: Tensor, *, share: float) -> Tensor:
    return loss(logits, target, share, logits.shape[-1])
