"""Where rows lie in memory is worked out of the sizes alone, also where there is room between examples.

https://github.com/ROCm/rocm-libraries/issues/11387
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


def packed(e: Tensor) -> Tensor:
    """All rows one after the other, from the first on; only rows that are not packed themselves are copied."""
    if e.ndim < 3 or not e.numel() or e.stride(-1) != 1 or e.stride(-2) != e.shape[-1]:
        return e.contiguous()
    if min(e.stride()) <= 0:
        return e.contiguous()
    return e.as_strided(e.shape, torch.empty(e.shape, device="meta").stride())


def faulty(e: Tensor) -> Tensor:
    return torch.softmax(packed(e), -1)


def mended(e: Tensor) -> Tensor:
    return torch.softmax(e.contiguous(), -1)
