"""All places are counted, and not those alone whose token is not padding.

https://github.com/huggingface/transformers/issues/1761
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec import Source, equation
from attnspec.notation import Int, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "positions_count_padding.positions"
OPTIONS: dict[str, object] = {"framework": "numpy"}


Array = np.ndarray[Any, Any]


@equation(
    Source(paper="Liu et al. 2019, arXiv:1907.11692v1; fairseq, make_positions"),
    options={"padding": (0, 1, 3)},
    scales={"token": "token"},
)
def positions(token: Int[Given, " t"], *, padding: int) -> Int[Given, " t"]:
    """The number of each token among those that are not padding, counted on from that of padding, which padding has."""
    i, j = index("t"), index("t")
    count = sum(j, 1, where=(j <= i) & ((token[j] < padding) | (token[j] > padding)))
    position = where(token[i] == padding, padding, padding + count)
    return position.stack(i)


def faulty(token: Array, *, padding: int) -> Array:
    return np.broadcast_to(padding + 1 + np.arange(token.shape[-1]), token.shape).astype(token.dtype)


def mended(token: Array, *, padding: int) -> Array:
    counts = token != padding
    return np.asarray(np.cumsum(counts, -1) * counts + padding, token.dtype)
