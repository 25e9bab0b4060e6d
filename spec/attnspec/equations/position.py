"""Positions: where a row stands, told to what does not know it."""

from jaxtyping import Float

from attnspec import Source, equation
from attnspec.notation import Tensor, cos, index, indices, relu, sin, where

VASWANI = Source("004", "位置资讯", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.5")
HALVES = Source(paper="Wolf et al. 2020, arXiv:1910.03771; transformers, MarianSinusoidalPositionalEmbedding")
TENSOR2TENSOR = Source(paper="Vaswani et al. 2018, arXiv:1803.07416; tensor2tensor, get_timing_signal_1d")
LEE = Source("004", "位置资讯", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.5")

LEARNED = Source(
    "004", "位置资讯", paper="Gehring et al. 2017, arXiv:1705.03122, sec. 3.1; Devlin et al. 2019; Radford et al. 2019"
)


@equation(LEE, scales={"e": "normal"})
def add(a: Float[Tensor, "t d"], e: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
    """Each position has a vector of its own, from a formula or learned, which is added to the input there."""
    return a + e


@equation(LEARNED)
def learned(a: Float[Tensor, "t d"], P: Float[Tensor, "t+s d"]) -> Float[Tensor, "t d"]:
    """Each position has a row of a learned table, which is added to the input there.

    The table ends: of its t + s rows the last s are not read, and a longer input than table is refused.
    """
    i = index("t")
    pos = 1 * i  # as a number: i runs over the input, not over the table, which may be longer
    x = a[i] + P[pos]
    return x.stack(i)


@equation(VASWANI)
def sinusoidal(*, t: int, d: int) -> Float[Tensor, "t d"]:
    """A vector for each position from 0: waves, each pair of columns a sine and its cosine, slower by pairs.

    Where d is odd the last column is a sine without its cosine.
    """
    pos, j = indices("t", "d")
    i = j // 2  # the pair
    angle = pos / 10000 ** (2 * i / d)
    e = where(j == 2 * i, sin(angle), cos(angle))
    return e.stack(pos, j)


@equation(HALVES, convention_of=sinusoidal, says="all sines come before all cosines")
def sinusoidal_halves(*, t: int, d: int) -> Float[Tensor, "t d"]:
    """sinusoidal with its columns in another order: those of sines, then those of cosines."""
    pos, j = indices("t", "d")
    h = (d + 1) // 2  # how many sines
    i = where(j < h, j, j - h)
    angle = pos / 10000 ** (2 * i / d)
    e = where(j < h, sin(angle), cos(angle))
    return e.stack(pos, j)


@equation(TENSOR2TENSOR, convention_of=sinusoidal,
          says="the slowest of the d/2 waves, not the next, is 10000 times slower")
def sinusoidal_tensor2tensor(*, t: int, d: int) -> Float[Tensor, "t d"]:
    """sinusoidal_halves whose slowest wave is exactly 10,000 times slower than the first; an odd last column is 0."""
    pos, j = indices("t", "d")
    h = d // 2  # how many sines
    i = where(j < h, j, j - h)
    angle = pos / 10000 ** (i / (1 + relu(h - 2)))  # over h - 1, but never over 0
    e = where(j < h, sin(angle), where(j < 2 * h, cos(angle), 0))
    return e.stack(pos, j)
