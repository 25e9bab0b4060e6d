"""The width of a head is taken for that of the model divided by the heads, which it need not be.

https://github.com/pytorch/torchtitan/issues/1920
"""

from __future__ import annotations

EQUATION = "cost.multihead_operations"
OPTIONS: dict[str, object] = {}


def counted(n: int, m: int, c: int, d: int, heads: int, width: int) -> int:
    projections = 2 * (2 * n * c * heads * d + 2 * m * c * heads * d)
    return projections + heads * (2 * n * m * width + 2 * n * m * width)


def faulty(*, n: int, m: int, c: int, d: int, heads: int) -> int:
    return counted(n, m, c, d, heads, c // heads)


def mended(*, n: int, m: int, c: int, d: int, heads: int) -> int:
    return counted(n, m, c, d, heads, d)
