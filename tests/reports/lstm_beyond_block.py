"""Each example is one block of at most 128 units, and nothing goes through the others: they stay 0.

https://github.com/flagos-ai/FlagGems/pull/5015
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "recurrent.lstm_cell"
OPTIONS: dict[str, object] = {"framework": "numpy"}


BLOCK = 128


def cell(x: Array, h: Array, c: Array, w: tuple[Array, ...], blocks: int) -> tuple[Array, Array]:
    i, f, g, o = (x @ w[3 * k] + h @ w[3 * k + 1] + w[3 * k + 2] for k in range(4))
    h_next, c_next = np.zeros_like(c), np.zeros_like(c)
    for block in range(blocks):
        at = (..., slice(block * BLOCK, (block + 1) * BLOCK))
        c_next[at] = c[at] / (1 + np.exp(-f[at])) + np.tanh(g[at]) / (1 + np.exp(-i[at]))
        h_next[at] = np.tanh(c_next[at]) / (1 + np.exp(-o[at]))
    return h_next, c_next


def faulty(x: Array, h: Array, c: Array, *w: Array) -> tuple[Array, Array]:
    with np.errstate(over="ignore"):
        return cell(x, h, c, w, blocks=1)


def mended(x: Array, h: Array, c: Array, *w: Array) -> tuple[Array, Array]:
    with np.errstate(over="ignore"):
        return cell(x, h, c, w, blocks=-(-c.shape[-1] // BLOCK))
