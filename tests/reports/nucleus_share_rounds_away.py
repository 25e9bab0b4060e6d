"""Words are kept whose sum, from the least likely one, is above 1 less the share, which rounds to 1 for small shares.

https://github.com/ml-explore/mlx-lm/pull/1912
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "nucleus_share_rounds_away.nucleus"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


@equation(
    Source(paper="Holtzman et al. 2020, arXiv:1904.09751v2, sec. 3.1"),
    options={"share": (0.9, 0.5, 0.001)}, scales={"p": "weights"}, largest={"v": 300},
)  # fmt: skip
def nucleus(p: Float[Given, " v"], *, share: float) -> Float[Given, " v"]:
    """The likeliest words that together reach a share, made to sum to 1; 0 for all others."""
    j, k = index("v"), index("v")
    before = sum(j, p[j], where=(p[j] > p[k]) | ((p[j] == p[k]) & (j < k)))
    kept = where(before < share, p[k], 0)
    q = kept / sum(k, kept)
    return q.stack(k)


def faulty(p: Tensor, *, share: float) -> Tensor:
    ordered, place = p.sort(dim=-1, stable=True)
    keep = ordered.float().cumsum(-1).to(p.dtype) > torch.tensor(1 - share, dtype=p.dtype)
    kept = torch.zeros_like(p).scatter(-1, place, torch.where(keep, ordered, torch.zeros_like(ordered)))
    return kept / kept.sum(-1, keepdim=True)


def mended(p: Tensor, *, share: float) -> Tensor:
    ordered, place = p.float().sort(dim=-1, descending=True, stable=True)
    keep = ordered.cumsum(-1) - ordered < share
    keep[..., 0] = True
    kept = torch.zeros_like(ordered).scatter(-1, place, torch.where(keep, ordered, torch.zeros_like(ordered)))
    return (kept / kept.sum(-1, keepdim=True)).to(p.dtype)
