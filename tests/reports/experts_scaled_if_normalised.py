"""The weights of experts are scaled inside of the branch that normalises them, and not at all without it.

https://github.com/sgl-project/sglang-jax/pull/1282
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "experts_scaled_if_normalised.routed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="DeepSeek-AI 2024, arXiv:2412.19437v2, sec. 2.1.2; with norm_topk_prob and routed_scaling_factor"),
    options={"chosen": (2, 4, 1), "normalise": (1, 0), "factor": (2.5, 0.5, 1.0)}, smallest={"E": 1},
)  # fmt: skip
def routed(scores: Float[Given, " E"], *, chosen: int, normalise: int, factor: float) -> Float[Given, " E"]:
    """The probabilities of the likeliest experts, divided by their sum or not, times a factor; 0 for the others."""
    i, j = index("E"), index("E")
    p = softmax(i, scores[i]).stack(i)
    before = sum(j, 1, where=(p[j] > p[i]) | ((p[j] == p[i]) & (j < i))).stack(i)
    total = where(normalise > 0, sum(i, p[i], where=before[i] < chosen), 1)
    weight = where(before[i] < chosen, factor * p[i] / total, 0)
    return weight.stack(i)


def route(scores: Tensor, chosen: int, normalise: int, factor: float, nested: bool) -> Tensor:
    p = torch.softmax(scores, -1)
    places = torch.sort(p, dim=-1, descending=True, stable=True).indices[..., :chosen]
    weight = p.gather(-1, places)
    if normalise:
        weight = weight / weight.sum(-1, keepdim=True)
    if normalise or not nested:
        weight = weight * factor
    return torch.zeros_like(p).scatter(-1, places, weight)


def faulty(scores: Tensor, *, chosen: int, normalise: int, factor: float) -> Tensor:
    return route(scores, chosen, normalise, factor, nested=True)


def mended(scores: Tensor, *, chosen: int, normalise: int, factor: float) -> Tensor:
    return route(scores, chosen, normalise, factor, nested=False)
