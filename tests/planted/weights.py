"""Attention weights: right, under another name, and rude in several ways. None says what it implements."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def right(e: Array) -> Array:
    p = np.exp(e - e.max(axis=-1, keepdims=True, initial=-np.inf))
    shares: Array = p / p.sum(axis=-1, keepdims=True)
    return shares


def renamed(bias: float = 0.0, *, scores: Array) -> Array:
    """Which parameter is e has to be said."""
    return right(scores)


def other_axis(e: Array) -> Array:
    return np.swapaxes(right(np.swapaxes(e, -1, -2)), -1, -2)


def as_list(e: Array) -> list[Any]:
    return right(e).tolist()  # type: ignore[no-any-return]  # NumPy says Any


def flat(e: Array) -> Array:
    return right(e).ravel()


def raising(e: Array) -> Array:
    raise ValueError("this kernel needs a block of 128")


def needing_more(e: Array, mask: Array) -> Array:
    return right(e)
