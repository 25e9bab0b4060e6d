"""Of the two products of attention, queries with keys and weights with values, one is counted.

https://github.com/pytorch/torchtitan/pull/4366
"""

from __future__ import annotations

EQUATION = "cost.attention_operations"
OPTIONS: dict[str, object] = {}


def faulty(*, n: int, m: int, d: int, e: int) -> int:
    return 2 * n * m * d


def mended(*, n: int, m: int, d: int, e: int) -> int:
    return 2 * n * m * (d + e)
