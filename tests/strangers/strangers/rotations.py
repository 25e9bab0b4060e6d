"""Rotary position embedding, in two orders of the columns."""

from attnspec import Source, equation
from attnspec.notation import Float, Tensor, cos, index, sin, size, where

SU = Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34")
BASES = {"base": (10_000.0, 500.0, 30.0)}


@equation(SU, options=BASES, says="the columns of a pair are neighbours")
def interleaved(x: Float[Tensor, "t 2*d"], *, base: float) -> Float[Tensor, "t 2*d"]:
    """Each pair of neighbouring columns is turned by an angle that grows with the row."""
    t, k = index("t"), index("2*d")
    d = size("d")
    theta = base ** (0 - (k // 2) / d)
    partner = where(k % 2 == 0, -x[t, k + 1], x[t, k - 1])
    y = x[t, k] * cos(t * theta) + partner * sin(t * theta)
    return y.stack(t, k)


@equation(SU, options=BASES, convention_of=interleaved, says="the columns of a pair are half of the width apart")
def halves(x: Float[Tensor, "t 2*d"], *, base: float) -> Float[Tensor, "t 2*d"]:
    """Column k is turned together with column k + d, as GPT-NeoX and Llama do."""
    t, k = index("t"), index("2*d")
    d = size("d")
    theta = base ** (0 - (k % d) / d)
    partner = where(k < d, -x[t, k + d], x[t, k - d])
    y = x[t, k] * cos(t * theta) + partner * sin(t * theta)
    return y.stack(t, k)
