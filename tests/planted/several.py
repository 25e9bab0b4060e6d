"""Three claims: one is right, one takes too much, one is of an equation that does not exist."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from attnspec import implements

Array = npt.NDArray[Any]


@implements("attention.weights", framework="numpy")
def needing_more(e: Array, mask: Array) -> Array:
    return e


@implements("attention.weigths", framework="numpy")
def misspelt(e: Array) -> Array:
    return e


@implements("attention.weights", framework="numpy")
def right(e: Array) -> Array:
    p = np.exp(e - e.max(axis=-1, keepdims=True, initial=-np.inf))
    shares: Array = p / p.sum(axis=-1, keepdims=True)
    return shares
