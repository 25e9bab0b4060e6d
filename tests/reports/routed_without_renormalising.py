"""The probabilities of the chosen experts are not made to sum to 1.

https://github.com/pytorch/torchtitan/issues/1448
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sigmoid, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "routed_without_renormalising.routed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="DeepSeek-AI 2024, arXiv:2412.19437v2, eq. 13 to 15; times a factor"),
    options={"chosen": (2, 8, 4), "factor": (1.0, 2.5)}, largest={"E": 300},
)  # fmt: skip
def routed(scores: Float[Given, " E"], *, chosen: int, factor: float) -> Float[Given, " E"]:
    """The affinities of the chosen experts over their sum, times a factor; of equals the first is chosen."""
    i, j = index("E"), index("E")
    s = sigmoid(scores[i]).stack(i)
    larger = sum(j, 1, where=(scores[j] > scores[i]) | ((scores[j] == scores[i]) & (j < i)))
    kept = where(larger < chosen, s[i], 0).stack(i)
    weight = factor * kept[i] / (sum(j, kept[j]) + 1e-20)
    return weight.stack(i)


def route(scores: Tensor, chosen: int, factor: float, whole: bool) -> Tensor:
    s = torch.sigmoid(scores)
    places = torch.sort(scores, dim=-1, descending=True, stable=True).indices[..., :chosen]
    top = s.gather(-1, places)
    if whole:
        top = top / (top.sum(-1, keepdim=True) + 1e-20)
    return torch.zeros_like(s).scatter(-1, places, top * factor)


def faulty(scores: Tensor, *, chosen: int, factor: float) -> Tensor:
    return route(scores, chosen, factor, whole=False)


def mended(scores: Tensor, *, chosen: int, factor: float) -> Tensor:
    return route(scores, chosen, factor, whole=True)
