"""Where the weights of the chosen experts are not made to sum to 1, their raw scores are given, without a softmax.

https://github.com/sgl-project/sglang/pull/35160
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "experts_by_raw_scores.routed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Shazeer et al. 2017, arXiv:1701.06538v1, sec. 2.1; Hugging Face, norm_topk_prob"),
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


def route(scores: Tensor, chosen: int, sums_to_one: int, raw: bool) -> Tensor:
    places = torch.sort(scores, dim=-1, descending=True, stable=True).indices[..., :chosen]
    largest = scores.gather(-1, places)
    if sums_to_one:
        weights = torch.softmax(largest, -1)
    else:
        weights = largest if raw else torch.softmax(scores, -1).gather(-1, places)
    return torch.zeros_like(scores).scatter(-1, places, weights)


def faulty(scores: Tensor, *, chosen: int, sums_to_one: int) -> Tensor:
    return route(scores, chosen, sums_to_one, raw=True)


def mended(scores: Tensor, *, chosen: int, sums_to_one: int) -> Tensor:
    return route(scores, chosen, sums_to_one, raw=False)
