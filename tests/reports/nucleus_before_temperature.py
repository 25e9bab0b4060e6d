"""The likeliest words are found by the scores as they are, and only then divided by the temperature.

https://github.com/fishaudio/fish-speech/pull/1150
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, softmax, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "nucleus_before_temperature.nucleus"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Holtzman et al. 2020, arXiv:1904.09751v2, sec. 3.1"),
    options={"share": (0.9, 0.5, 0.3), "temperature": (0.5, 2.0, 1.3)}, largest={"v": 300},
)  # fmt: skip
def nucleus(scores: Float[Given, " v"], *, share: float, temperature: float) -> Float[Given, " v"]:
    """The likeliest words that together reach a share at a temperature, made to sum to 1; 0 for all others."""
    j, k = index("v"), index("v")
    p = softmax(k, scores[k] / temperature).stack(k)
    before = sum(j, p[j], where=(scores[j] > scores[k]) | ((scores[j] == scores[k]) & (j < k)))
    kept = where(before < share, p[k], 0)
    q = kept / sum(k, kept)
    return q.stack(k)


def kept_words(scores: Tensor, share: float) -> Tensor:
    p, place = torch.softmax(scores, -1).sort(dim=-1, descending=True, stable=True)
    keep = p.cumsum(-1) - p < share
    return torch.zeros_like(keep).scatter(-1, place, keep)


def faulty(scores: Tensor, *, share: float, temperature: float) -> Tensor:
    keep = kept_words(scores, share)
    return torch.softmax((scores / temperature).masked_fill(~keep, float("-inf")), -1)


def mended(scores: Tensor, *, share: float, temperature: float) -> Tensor:
    warm = scores / temperature
    return torch.softmax(warm.masked_fill(~kept_words(warm, share), float("-inf")), -1)
