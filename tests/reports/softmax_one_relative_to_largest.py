"""The 1 in the denominator stays 1 when all scores are taken relative to the largest.

https://github.com/kyegomez/AttentionIsOFFByOne/issues/5
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, max, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "softmax_one_relative_to_largest.softmax_one"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Miller 2023, Attention Is Off By One"), scales={"e": "scores"}, smallest={"m": 1})
def softmax_one(e: Float[Given, "n m"]) -> Float[Given, "n m"]:
    """Softmax with 1 more in the denominator, so that a row may sum to less than 1."""
    i, j = index("n"), index("m")
    largest = max(j, e[i, j])
    top = where(largest > 0, largest, 0)
    weight = exp(e[i, j] - top)
    p = weight / (exp(-top) + sum(j, weight))
    return p.stack(i, j)


def faulty(e: Tensor) -> Tensor:
    weight = (e - e.amax(-1, keepdim=True)).exp()
    return weight / (1 + weight.sum(-1, keepdim=True))


def mended(e: Tensor) -> Tensor:
    top = e.amax(-1, keepdim=True).clamp(min=0)
    weight = (e - top).exp()
    return weight / ((-top).exp() + weight.sum(-1, keepdim=True))
