"""The warps of a block are counted by a quotient that is rounded down, and what a last, partial one found is left out.

https://github.com/flashinfer-ai/flashinfer/pull/3880
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "numpy"}


WARP, THREADS = 32, 1024


def of_block(own: Array, rounds_down: bool) -> Array:
    """What the warps that take part found, thread by thread."""
    warps = own.shape[-1] // WARP if rounds_down else -(-own.shape[-1] // WARP)
    return own[..., : max(warps, 1) * WARP]


def softmax(e: Array, rounds_down: bool) -> Array:
    width = e.shape[-1]
    threads = min(width, THREADS)
    filled = np.pad(e, [(0, 0)] * (e.ndim - 1) + [(0, -width % threads)], constant_values=-np.inf)
    parts = filled.reshape(*e.shape[:-1], filled.shape[-1] // threads, threads)
    top = of_block(parts.max(-2), rounds_down).max(-1, keepdims=True)
    with np.errstate(over="ignore", invalid="ignore"):
        total = of_block(np.exp(parts - top[..., None]).sum(-2), rounds_down).sum(-1, keepdims=True)
        return np.asarray(np.exp(e - top) / total)


def faulty(e: Array) -> Array:
    return softmax(e, rounds_down=True)


def mended(e: Array) -> Array:
    return softmax(e, rounds_down=False)
