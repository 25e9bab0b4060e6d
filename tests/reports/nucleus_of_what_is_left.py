"""The share is reached among the likeliest words alone, whose probabilities do not add up to 1.

https://github.com/ml-explore/mlx-lm/pull/388
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "nucleus_of_what_is_left.filtered"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Holtzman et al. 2020, arXiv:1904.09751v2, sec. 3.1; with the largest of Fan et al. after it"),
    options={"share": (0.9, 0.5, 0.3), "largest": (1, 3, 20)}, scales={"p": "weights"}, largest={"v": 300},
    smallest={"v": 1},
)  # fmt: skip
def filtered(p: Float[Given, " v"], *, share: float, largest: int) -> Float[Given, " v"]:
    """The words within a share of all probability, of these no more than some; 0 for all others."""
    j, k = index("v"), index("v")
    before = (p[j] > p[k]) | ((p[j] == p[k]) & (j < k))
    rest = sum(j, where(before, 0, p[j]))
    y = where((rest > 1 - share) & (sum(j, 1, where=before) < largest), p[k], 0)
    return y.stack(k)


def filter_words(p: Tensor, share: float, largest: int, largest_first: bool) -> Tensor:
    ordered, place = p.sort(dim=-1, descending=True, stable=True)
    few = torch.where(torch.arange(p.shape[-1]) < largest, ordered, 0)
    rest = (few if largest_first else ordered).flip(-1).double().cumsum(-1).flip(-1)
    kept = torch.where(rest > 1 - share, few, 0)
    return torch.zeros_like(p).scatter(-1, place, kept)


def faulty(p: Tensor, *, share: float, largest: int) -> Tensor:
    return filter_words(p, share, largest, largest_first=True)


def mended(p: Tensor, *, share: float, largest: int) -> Tensor:
    return filter_words(p, share, largest, largest_first=False)
