"""A cache of the last keys moves on when the token for its last slot comes, one step before it is full.

https://github.com/huggingface/transformers/issues/37574
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, where
from attnspec.notation import Tensor as Given

EQUATION = "cache_shifted_when_last_slot_free.stored"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Beltagy et al. 2020, arXiv:2004.05150v2, sec. 3.1; the last keys, in order"),
    options={"written": (3, 7, 50, 0)}, smallest={"m": 1},
)  # fmt: skip
def stored(cache: Float[Given, "m d"], new: Float[Given, " d"], *, written: int) -> Float[Given, "m d"]:
    """A new key goes to the first free slot; where there is none all move up by one, and it goes to the last."""
    j, w = index("m"), index("d")
    m = size("m")
    placed = where((j <= written) & (written <= j), new[w], cache[j, w])
    moved = where(j < m - 1, cache[where(j < m - 1, j + 1, j), w], new[w])
    y = where(written < m, placed, moved)
    return y.stack(j, w)


def store(cache: Tensor, new: Tensor, written: int, moves_from: int) -> Tensor:
    moves = written >= moves_from
    out = torch.roll(cache, -1, -2) if moves else cache.clone()
    out[..., min(written, cache.shape[-2] - 1), :] = new
    return out


def faulty(cache: Tensor, new: Tensor, *, written: int) -> Tensor:
    return store(cache, new, written, cache.shape[-2] - 1)


def mended(cache: Tensor, new: Tensor, *, written: int) -> Tensor:
    return store(cache, new, written, cache.shape[-2])
