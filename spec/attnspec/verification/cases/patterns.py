"""Patterns: special values of a single argument, while all others are drawn as usual.

A pattern takes the array that was drawn and returns one of the same shape, whose values are among those drawn, zeros,
ones, 256 times those drawn, or whole numbers of the same range. So it needs no rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PADDING = (130, 64, 16, 33, 1, 5)
"""How many keys are masked before or behind the others, in turn; kernels cut keys into tiles of 16 to 128."""


def _zero(drawn: Array) -> Array:
    return np.zeros_like(drawn)


def _constant_rows(drawn: Array) -> Array:
    """Each row has one value, its first."""
    return np.broadcast_to(drawn[..., :1], drawn.shape).copy() if drawn.ndim else drawn


def _one_hot(drawn: Array) -> Array:
    """Each row is 1 at its largest element, and 0 elsewhere."""
    if not drawn.size or not drawn.ndim:
        return drawn
    return np.where(drawn.argmax(axis=-1)[..., None] == np.arange(drawn.shape[-1]), 1.0, 0.0)


def _equal_rows(drawn: Array) -> Array:
    """All rows of a matrix are its first."""
    return np.broadcast_to(drawn[..., :1, :], drawn.shape).copy() if drawn.ndim > 1 else drawn


def _zero_rows(drawn: Array) -> Array:
    """The rows behind the first half are 0, as those that fill up an array are."""
    if drawn.ndim < 2:
        return drawn
    rows = np.arange(drawn.shape[-2])[:, None]
    return np.where(2 * rows < drawn.shape[-2], drawn, 0.0)


def _large(drawn: Array) -> Array:
    """Hundreds, by a power of two, which rounds nothing: in float16 their squares overflow, and they do not."""
    return drawn * 256


def _ties(drawn: Array) -> Array:
    """Whole numbers, of which many are equal."""
    return np.rint(drawn)


FLOAT_PATTERNS: dict[str, Callable[[Array], Array]] = {
    "zero": _zero,
    "constant rows": _constant_rows,
    "one-hot": _one_hot,
    "equal rows": _equal_rows,
    "large": _large,
    "negative": lambda drawn: -np.abs(drawn),
    "positive": np.abs,
    "ties": _ties,
    "zero rows": _zero_rows,
}
"""Patterns of floating-point arguments, by name."""

SIGNS: dict[str, Callable[[Array], Array]] = {
    "large negative": lambda drawn: -np.abs(drawn),
    "large positive": np.abs,
    "cancelling": lambda drawn: np.broadcast_to(1.0 - 2 * (np.indices(drawn.shape[-2:]).sum(axis=0) % 2), drawn.shape),
}
"""Patterns of floating-point arguments of one sign, or of either sign in turn, so that pairs of neighbours sum to 0:
hundreds, or tens where the dtype does not hold their products."""

INT_PATTERNS: dict[str, Callable[[Array, int, int], Array]] = {
    "lowest": lambda drawn, low, high: np.full_like(drawn, low),
    "highest": lambda drawn, low, high: np.full_like(drawn, high),
    "repeated": lambda drawn, low, high: np.full_like(drawn, min(low + 1, high)),
    "in turn": lambda drawn, low, high: high - np.arange(drawn.size).reshape(drawn.shape) % (high - low + 1),
}
"""Patterns of whole numbers from `low` to `high`, by name. Repeated ones leave all other values out."""


def _left_padding(mask: Array) -> Array:
    """The first keys are masked, in each row another number of them; at least the last is not."""
    keys = np.arange(mask.shape[-1])
    return np.broadcast_to(keys >= np.minimum(_padding(mask), mask.shape[-1] - 1), mask.shape).copy()


def _right_padding(mask: Array) -> Array:
    """The last keys are masked; at least the first is not."""
    return np.flip(_left_padding(mask), axis=-1).copy()


def _padding(mask: Array) -> Array:
    """How many keys are masked in each row: equal for all rows of an example, as padding is, if there are several."""
    rows = np.arange(int(np.prod(mask.shape[:-1], dtype=int))).reshape(mask.shape[:-1])
    examples = rows // max(mask.shape[-2], 1) if mask.ndim > 2 else rows
    return np.asarray(PADDING)[examples % len(PADDING)][..., None]


MASK_PATTERNS: dict[str, Callable[[Array], Array]] = {
    "left padding": _left_padding,
    "right padding": _right_padding,
}
"""Patterns of masks, by name."""


def patterned(pattern: str, drawn: Array, ends: tuple[int, int], largest: float) -> Array:
    """An argument with the values of a pattern.

    Args:
        drawn: float64, int64 or bool.
        ends: the smallest and the largest value that may be drawn, of whole numbers.
        largest: the largest number of the dtype.
    """
    if not drawn.size:
        return drawn
    if pattern in SIGNS:
        power = np.floor(np.log2(min(256.0, largest**0.5 / 16)))  # of two, so that nothing is rounded
        return np.asarray(SIGNS[pattern](drawn) * np.exp2(power))
    if drawn.dtype.kind == "f":
        return np.asarray(FLOAT_PATTERNS[pattern](drawn))  # arithmetic makes a number of an array without axes
    if drawn.dtype.kind == "b":
        return np.asarray(MASK_PATTERNS[pattern](drawn))
    return np.asarray(INT_PATTERNS[pattern](drawn, *ends))
