"""The exponent of a cosine is that of its own column, which is already even or odd, twice.

https://github.com/SamLynnEvans/Transformer/issues/25
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "position.sinusoidal"
OPTIONS: dict[str, object] = {"framework": "numpy"}


def table(t: int, d: int, exponents: Array) -> Array:
    angles = np.arange(t)[:, None] / 10000.0**exponents
    return np.where(np.arange(d) % 2 == 0, np.sin(angles), np.cos(angles)).astype(np.float32)


def faulty(*, t: int, d: int) -> Array:
    return table(t, d, 2 * np.arange(d) / d)


def mended(*, t: int, d: int) -> Array:
    return table(t, d, 2 * (np.arange(d) // 2) / d)
