"""The mean probability of an expert counts only tokens that chose it.

https://github.com/paiml/aprender/pull/2162
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sum
from attnspec.notation import Tensor as Given

EQUATION = "load_balance_of_chosen_alone.balance"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Fedus et al. 2022, arXiv:2101.03961v3, eq. 4 to 6"), options={"chosen": (2, 1, 4)}, smallest={"n": 1}
)
def balance(scores: Float[Given, "n E"], *, chosen: int) -> Float[Given, ""]:
    """The number of experts times the sum of each one's share of tokens and mean probability."""
    t, i, j = index("n"), index("E"), index("E")
    n, E = size("n"), size("E")
    p = softmax(i, scores[t, i]).stack(t, i)
    larger = sum(j, 1, where=(scores[t, j] > scores[t, i]) | ((scores[t, j] == scores[t, i]) & (j < i))).stack(t, i)
    share = (sum(t, 1, where=larger[t, i] < chosen) / n).stack(i)
    mean = (sum(t, p[t, i]) / n).stack(i)
    return E * sum(i, share[i] * mean[i])


def loss(scores: Tensor, chosen: int, of_chosen: bool) -> Tensor:
    p = torch.softmax(scores, -1)
    places = torch.sort(scores, dim=-1, descending=True, stable=True).indices[..., :chosen]
    picked = torch.zeros_like(p).scatter(-1, places, 1.0)
    mean = (p * picked if of_chosen else p).mean(-2)
    return scores.shape[-1] * (picked.mean(-2) * mean).sum(-1)


def faulty(scores: Tensor, *, chosen: int) -> Tensor:
    return loss(scores, chosen, of_chosen=True)


def mended(scores: Tensor, *, chosen: int) -> Tensor:
    return loss(scores, chosen, of_chosen=False)
