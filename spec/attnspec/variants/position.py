"""Mistakes with positions that no operator makes."""

from jaxtyping import Float

from attnspec import mutant
from attnspec.equations import position
from attnspec.notation import Tensor, cos, indices, sin, where


@mutant(position.sinusoidal, "the exponent is that of the column instead of the pair: 10000^(j/d)")
def exponent_by_column(*, t: int, d: int) -> Float[Tensor, "t d"]:
    """Sine and cosine of a pair have different frequencies."""
    pos, j = indices("t", "d")
    i = j // 2
    angle = pos / 10000 ** (j / d)
    e = where(j == 2 * i, sin(angle), cos(angle))
    return e.stack(pos, j)


@mutant(position.sinusoidal, "the exponent is twice that of the column: 10000^(2j/d)")
def exponent_by_column_twice(*, t: int, d: int) -> Float[Tensor, "t d"]:
    """The column is taken for the pair."""
    pos, j = indices("t", "d")
    i = j // 2
    angle = pos / 10000 ** (2 * j / d)
    e = where(j == 2 * i, sin(angle), cos(angle))
    return e.stack(pos, j)


@mutant(position.sinusoidal, "positions are counted from 1")
def positions_from_one(*, t: int, d: int) -> Float[Tensor, "t d"]:
    """The first position already has turned."""
    pos, j = indices("t", "d")
    i = j // 2
    angle = (pos + 1) / 10000 ** (2 * i / d)
    e = where(j == 2 * i, sin(angle), cos(angle))
    return e.stack(pos, j)
