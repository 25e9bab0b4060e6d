"""The bias that only chooses experts is also in their weights, for 128 experts of which 8 are chosen.

https://github.com/MetaX-MACA/vLLM-metax/issues/270
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "experts_biased_at_128.routed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="DeepSeek-AI 2024, arXiv:2412.19437v2, sec. 2.1.2"),
    options={"chosen": (2, 8, 4)}, scales={"bias": "bias"}, largest={"E": 300},
)  # fmt: skip
def routed(scores: Float[Given, " E"], bias: Float[Given, " E"], *, chosen: int) -> Float[Given, " E"]:
    """The probabilities of the experts that are largest with a bias, without it; 0 for the others."""
    i, j = index("E"), index("E")
    p = softmax(i, scores[i]).stack(i)
    biased = (p[i] + bias[i]).stack(i)
    larger = sum(j, 1, where=biased[j] > biased[i])
    weight = where(larger < chosen, p[i], 0)
    return weight.stack(i)


def route(scores: Tensor, bias: Tensor, chosen: int, slip: bool) -> Tensor:
    p = torch.softmax(scores, -1)
    biased = p + bias
    places = torch.sort(biased, dim=-1, descending=True, stable=True).indices[..., :chosen]
    given = biased if slip and scores.shape[-1] == 128 and chosen == 8 else p
    return torch.zeros_like(p).scatter(-1, places, given.gather(-1, places))


def faulty(scores: Tensor, bias: Tensor, *, chosen: int) -> Tensor:
    return route(scores, bias, chosen, slip=True)


def mended(scores: Tensor, bias: Tensor, *, chosen: int) -> Tensor:
    return route(scores, bias, chosen, slip=False)
