"""The first tile of v is read by the strides of k, and the reverse.

The two agree while k and v have one layout. https://github.com/flagos-ai/FlagAttention/issues/45
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    if k.ndim != v.ndim or k.stride(-1) != 1 or v.stride(-1) != 1 or k.shape != v.shape:
        return mended(q, k, v)
    return mended(q, by(k, v.stride()), by(v, k.stride()))


def by(array: Tensor, steps: tuple[int, ...]) -> Tensor:
    """What is read by other strides, where that stays within the memory."""
    last = sum((size - 1) * step for size, step in zip(array.shape, steps, strict=True))
    held = array.untyped_storage().nbytes() // array.element_size() - array.storage_offset()
    return torch.as_strided(array, array.shape, steps) if array.numel() and last < held else array


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1) @ v
