"""The logarithms of the probabilities are summed, which never reach the share: all words stay.

https://github.com/skyzh/tiny-llm/issues/32
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "nucleus_sums_logarithms.nucleus"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Holtzman et al. 2020, arXiv:1904.09751v2, sec. 3.1"),
    options={"share": (0.9, 0.5, 0.3)}, scales={"p": "weights"}, largest={"v": 300},
)  # fmt: skip
def nucleus(p: Float[Given, " v"], *, share: float) -> Float[Given, " v"]:
    """The likeliest words that together reach a share, made to sum to 1; 0 for all others."""
    j, k = index("v"), index("v")
    before = sum(j, p[j], where=(p[j] > p[k]) | ((p[j] == p[k]) & (j < k)))
    kept = where(before < share, p[k], 0)
    q = kept / sum(k, kept)
    return q.stack(k)


def filtered(p: Tensor, share: float, logarithms: bool) -> Tensor:
    ordered, place = p.sort(dim=-1, descending=True, stable=True)
    terms = ordered.log() if logarithms else ordered
    keep = terms.cumsum(-1) - terms < share
    keep[..., :1] = True
    kept = torch.zeros_like(p).scatter(-1, place, torch.where(keep, ordered, torch.zeros_like(ordered)))
    return kept / kept.sum(-1, keepdim=True)


def faulty(p: Tensor, *, share: float) -> Tensor:
    return filtered(p, share, logarithms=True)


def mended(p: Tensor, *, share: float) -> Tensor:
    return filtered(p, share, logarithms=False)
