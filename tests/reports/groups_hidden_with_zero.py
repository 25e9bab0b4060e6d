"""Scores in groups that are not chosen are set to 0, which is more than a chosen one below 0.

https://github.com/sgl-project/sglang/pull/3705
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, max, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "groups_hidden_with_zero.routed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="DeepSeek-AI 2024, arXiv:2412.19437v2, sec. 2.1.2; two groups are kept, each by its best expert"),
    options={"chosen": (2, 3, 1)}, sizes={"g": "heads", "w": "heads"}, smallest={"g": 1, "w": 1},
)  # fmt: skip
def routed(x: Float[Given, "g w"], *, chosen: int) -> Float[Given, "g w"]:
    """The scores of the chosen experts, all of them in two groups; 0 for the others; of equals the first."""
    i, h, j, k = index("g"), index("g"), index("w"), index("w")
    best = max(j, x[i, j]).stack(i)
    before = sum(h, 1, where=(best[h] > best[i]) | ((best[h] == best[i]) & (h < i))).stack(i)
    larger = sum(
        h,
        sum(
            k,
            1,
            where=(before[h] < 2)
            & ((x[h, k] > x[i, j]) | ((x[h, k] == x[i, j]) & ((h < i) | ((h <= i) & (i <= h) & (k < j))))),
        ),
    )
    y = where((before[i] < 2) & (larger < chosen), x[i, j], 0)
    return y.stack(i, j)


def route(x: Tensor, chosen: int, hidden: float) -> Tensor:
    groups = torch.sort(x.amax(-1), dim=-1, descending=True, stable=True).indices[..., :2]
    kept = torch.zeros(x.shape[:-1], dtype=torch.bool).scatter(-1, groups, True)
    flat = x.masked_fill(~kept.unsqueeze(-1), hidden).flatten(-2)
    places = torch.sort(flat, dim=-1, descending=True, stable=True).indices[..., :chosen]
    taken = torch.zeros(flat.shape, dtype=torch.bool).scatter(-1, places, True)
    return torch.where(taken.view(x.shape) & kept.unsqueeze(-1), x, 0)


def faulty(x: Tensor, *, chosen: int) -> Tensor:
    return route(x, chosen, 0.0)


def mended(x: Tensor, *, chosen: int) -> Tensor:
    return route(x, chosen, float("-inf"))
