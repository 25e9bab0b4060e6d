"""The softmax is over the chosen experts alone, so that their weights sum to 1 although they should not.

https://github.com/lablup/mlxcel/pull/391
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "experts_normalised_unasked.routed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Muennighoff et al. 2024, arXiv:2409.02060v2, eq. 1; Hugging Face, norm_topk_prob"),
    options={"chosen": (2, 1, 3), "sums_to_one": (0, 1)},
)
def routed(scores: Float[Given, " E"], *, chosen: int, sums_to_one: int) -> Float[Given, " E"]:
    """The weights of the experts with the largest scores, 0 for the others; of equals the first."""
    i, j = index("E"), index("E")
    p = softmax(i, scores[i]).stack(i)
    larger = sum(j, 1, where=(scores[j] > scores[i]) | ((scores[j] == scores[i]) & (j < i)))
    kept = where(larger < chosen, p[i], 0).stack(i)
    total = sum(j, kept[j])
    weight = where(sums_to_one == 1, kept[i] / total, kept[i])
    return weight.stack(i)


def placed(scores: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    return torch.zeros_like(scores).scatter(-1, places, weights)


def largest(scores: Tensor, chosen: int) -> Tensor:
    return torch.sort(scores, dim=-1, descending=True, stable=True).indices[..., :chosen]


def faulty(scores: Tensor, *, chosen: int, sums_to_one: int) -> Tensor:
    places = largest(scores, chosen)
    weights = torch.softmax(scores.gather(-1, places), -1)
    if sums_to_one:
        weights = weights / weights.sum(-1, keepdim=True)
    return placed(scores, places, weights)


def mended(scores: Tensor, *, chosen: int, sums_to_one: int) -> Tensor:
    places = largest(scores, chosen)
    weights = torch.softmax(scores, -1).gather(-1, places)
    if sums_to_one:
        weights = torch.softmax(scores.gather(-1, places), -1)
    return placed(scores, places, weights)
