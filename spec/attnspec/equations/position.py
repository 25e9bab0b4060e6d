"""Positions: where a row stands, told to what does not know it."""

from jaxtyping import Float

from attnspec import Source, Tensor, equation

LEE = Source("004", "位置资讯", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.5")


@equation(LEE, scales={"e": "normal"})
def add(a: Float[Tensor, "t d"], e: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
    """Each position has a vector of its own, from a formula or learned, which is added to the input there."""
    return a + e
