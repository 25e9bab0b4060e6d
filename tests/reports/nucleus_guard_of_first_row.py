"""The word that is always kept is meant, and the first row of the batch is kept.

https://github.com/fishaudio/fish-speech/pull/1326
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "nucleus_guard_of_first_row.nucleus"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Holtzman et al. 2020, arXiv:1904.09751v2, sec. 3.1; without the word that crosses"),
    options={"share": (0.9, 0.5, 0.3)}, scales={"p": "weights"}, largest={"v": 300}, smallest={"v": 1},
)  # fmt: skip
def nucleus(p: Float[Given, " v"], *, share: float) -> Float[Given, " v"]:
    """The likeliest words that together are within a share, at least one of them; 0 for all others."""
    j, k = index("v"), index("v")
    before = (p[j] > p[k]) | ((p[j] == p[k]) & (j < k))
    reached = sum(j, p[j], where=before) + p[k]
    y = where((sum(j, 1, where=before) < 1) | (reached <= share), p[k], 0)
    return y.stack(k)


def filtered(p: Tensor, share: float, first_row: bool) -> Tensor:
    ordered, place = p.sort(dim=-1, descending=True, stable=True)
    removed = ordered.cumsum(-1) > share
    if first_row:
        removed[0] = False
    else:
        removed[..., 0] = False
    return torch.zeros_like(p).scatter(-1, place, ordered.masked_fill(removed, 0.0))


def faulty(p: Tensor, *, share: float) -> Tensor:
    return filtered(p, share, first_row=p.numel() > 0)


def mended(p: Tensor, *, share: float) -> Tensor:
    return filtered(p, share, first_row=False)
