"""A block is divided by its largest element, which is 0 where all of it is.

https://github.com/THUDM/slime/pull/2256
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, abs, index, max, where
from attnspec.notation import Tensor as Given

EQUATION = "block_of_zeros.scaled"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Micikevicius et al. 2022, arXiv:2209.05433v2, sec. 3; a scale for each row"), smallest={"d": 1})
def scaled(x: Float[Given, "t d"]) -> Float[Given, "t d"]:
    """Rows scaled to the range of eight bits, with a scale that is never smaller than that of 10^-12."""
    i, k = index("t"), index("d")
    largest = max(k, abs(x[i, k])).stack(i)
    scale = where(largest[i] > 1e-12, largest[i], 1e-12) / 448
    y = x[i, k] / scale
    return y.stack(i, k)


def scale(x: Tensor, least: float) -> Tensor:
    return x / (x.abs().amax(-1, keepdim=True).clamp(min=least) / 448)


def faulty(x: Tensor) -> Tensor:
    return scale(x, 0.0)


def mended(x: Tensor) -> Tensor:
    return scale(x, 1e-12)
