"""What is not accepted is counted as the bits of the count of what is, so that all counts as accepted.

https://github.com/huggingface/transformers/pull/28508
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, scan, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "accepted_by_complement.accepted"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Leviathan et al. 2023, arXiv:2211.17192v2, alg. 1"),
    scales={"p": "uniform", "q": "uniform", "r": "uniform"}, sizes={"t": "steps"},
)  # fmt: skip
def accepted(p: Float[Given, " t"], q: Float[Given, " t"], r: Float[Given, " t"]) -> Int[Given, ""]:
    """How many words of a draft are kept: those before the first one with r q > p."""
    t = index("t")
    kept = scan(t, lambda kept: where(r[t] * q[t] <= p[t], kept, 0), 1)
    return sum(t, 1, where=kept > 0)


def faulty(p: Tensor, q: Tensor, r: Tensor) -> Tensor:
    return (~(r * q <= p).cumsum(-1) < 1).sum(-1)


def mended(p: Tensor, q: Tensor, r: Tensor) -> Tensor:
    return ((~(r * q <= p)).cumsum(-1) < 1).sum(-1)
