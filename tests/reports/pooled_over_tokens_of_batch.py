"""The sum over the tokens of a text is divided by the number of tokens of all texts of the batch.

https://github.com/StarlightSearch/EmbedAnything/issues/210
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "pooled_over_tokens_of_batch.pooled"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Reimers and Gurevych 2019, arXiv:1908.10084v1, sec. 3"), smallest={"t": 1})
def pooled(h: Float[Given, "t d"], mask: Bool[Given, " t"]) -> Float[Given, " d"]:
    """The mean of the states that are not padding, where mask is true. NaN where all is padding."""
    i = index("t")
    return sum(i, h[i], where=mask[i]) / sum(i, 1, where=mask[i])


def total(h: Tensor, mask: Tensor) -> Tensor:
    return h.masked_fill(~mask.unsqueeze(-1), 0).sum(-2)


def faulty(h: Tensor, mask: Tensor) -> Tensor:
    return total(h, mask) / mask.sum()


def mended(h: Tensor, mask: Tensor) -> Tensor:
    return total(h, mask) / mask.sum(-1, keepdim=True)
