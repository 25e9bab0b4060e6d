"""Mistakes with positions that no operator makes."""

from attnspec import mutate
from attnspec.equations import position

mutate(
    position.sinusoidal, "exponent_by_column",
    says="the exponent is that of the column instead of the pair: 10000^(j/d)",
    lines={"angle": "pos / 10000 ** (j / d)"},
)


mutate(
    position.sinusoidal, "exponent_by_column_twice",
    says="the exponent is twice that of the column: 10000^(2j/d)",
    lines={"angle": "pos / 10000 ** (2 * j / d)"},
)


mutate(
    position.sinusoidal, "positions_from_one",
    says="positions are counted from 1",
    lines={"angle": "(pos + 1) / 10000 ** (2 * i / d)"},
)
