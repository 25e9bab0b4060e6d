"""The table of positions is indexed by the length, where it should be cut there: all rows get one position.

https://github.com/DiffPoseTalk/DiffPoseTalk/issues/20
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index
from attnspec.notation import Tensor as Given

EQUATION = "one_position_for_all.placed"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Vaswani et al. 2017, arXiv:1706.03762v7, sec. 3.5"), smallest={"s": 1})
def placed(x: Float[Given, "t d"], P: Float[Given, "t+s d"]) -> Float[Given, "t d"]:
    """Each row with that of its place in a longer table."""
    i, k = index("t"), index("d")
    y = x[i, k] + P[i, k]
    return y.stack(i, k)


def faulty(x: Tensor, P: Tensor) -> Tensor:
    return x + P[..., x.shape[-2] : x.shape[-2] + 1, :]


def mended(x: Tensor, P: Tensor) -> Tensor:
    return x + P[..., : x.shape[-2], :]
