"""Where one expert is chosen the weights lack their last axis, and are divided by the sum over the tokens.

https://github.com/databricks/megablocks/pull/87
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "one_expert_over_tokens.routed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Shazeer et al. 2017, arXiv:1701.06538v1, sec. 2.1"), options={"chosen": (2, 1, 4)})
def routed(scores: Float[Given, "n E"], *, chosen: int) -> Float[Given, "n E"]:
    """The weights of the experts with the largest scores, which sum to 1; 0 for the others; of equals the first."""
    t, i, j = index("n"), index("E"), index("E")
    p = softmax(i, scores[t, i]).stack(t, i)
    larger = sum(j, 1, where=(scores[t, j] > scores[t, i]) | ((scores[t, j] == scores[t, i]) & (j < i)))
    kept = where(larger < chosen, p[t, i], 0).stack(t, i)
    weight = kept[t, i] / sum(j, kept[t, j])
    return weight.stack(t, i)


def route(scores: Tensor, chosen: int, squeezed: bool) -> Tensor:
    p = torch.softmax(scores, -1)
    places = torch.sort(scores, dim=-1, descending=True, stable=True).indices[..., :chosen]
    largest = p.gather(-1, places)
    if squeezed and chosen == 1:
        flat = largest.squeeze(-1)
        weights = (flat / flat.sum(-1, keepdim=True)).unsqueeze(-1)
    else:
        weights = largest / largest.sum(-1, keepdim=True)
    return torch.zeros_like(p).scatter(-1, places, weights)


def faulty(scores: Tensor, *, chosen: int) -> Tensor:
    return route(scores, chosen, squeezed=True)


def mended(scores: Tensor, *, chosen: int) -> Tensor:
    return route(scores, chosen, squeezed=False)
