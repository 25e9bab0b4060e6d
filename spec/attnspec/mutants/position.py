"""Mistakes with positions that no operator makes."""

from attnspec import mutate
from attnspec.equations import position

# Sine and cosine of a pair have different frequencies.
mutate(
    position.sinusoidal, "exponent_by_column",
    says="the exponent is that of the column instead of the pair: 10000^(j/d)",
    lines={"angle": "pos / 10000 ** (j / d)"},
)

# The column is taken for the pair.
mutate(
    position.sinusoidal, "exponent_by_column_twice",
    says="the exponent is twice that of the column: 10000^(2j/d)",
    lines={"angle": "pos / 10000 ** (2 * j / d)"},
)

# The first position already has turned.
mutate(
    position.sinusoidal, "positions_from_one",
    says="positions are counted from 1",
    lines={"angle": "(pos + 1) / 10000 ** (2 * i / d)"},
)

# Of a table in which row 0 is kept for padding.
mutate(
    position.learned, "rows_from_one",
    says="positions are counted from 1",
    lines={"pos": "i + 1"},
)
