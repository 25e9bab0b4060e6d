"""Mistakes with self-attention that no operator makes."""

from attnspec import mutate
from attnspec.equations.self_attention import columns, scaled, unscaled

# What 004 warns of.
DIAGONAL = "the diagonal is left out: no position asks itself"

mutate(
    scaled, "diagonal_left_out", says=DIAGONAL,
    lines={
        "i, j": 'indices("t", "t")',
        "d": 'size("d")',
        "alpha": "softmax(j, q[i] @ k[j] / sqrt(d), where=(j < i) | (j > i))",
        "return": "sum(j, alpha * v[j]).stack(i)",
    },
)

mutate(
    unscaled, "diagonal_left_out_unscaled", says=DIAGONAL,
    lines={
        "i, j": 'indices("t", "t")',
        "alpha": "softmax(j, q[i] @ k[j], where=(j < i) | (j > i))",
        "return": "sum(j, alpha * v[j]).stack(i)",
    },
)

mutate(
    columns, "diagonal_left_out_of_columns", says=DIAGONAL,
    lines={"alpha": "softmax(j, k[j] @ q[i], where=(j < i) | (j > i))"},
)

# The scale of another attention; 003 and 004 leave it out.
mutate(
    columns, "scaled_columns",
    says="the scores are divided by √d",
    lines={"d": 'size("d")', "alpha": "softmax(j, k[j] @ q[i] / sqrt(d))"},
)
