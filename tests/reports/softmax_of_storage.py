"""A softmax of a transposed view is taken along the rows of its storage.

https://github.com/tracel-ai/burn/issues/4815
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(e: Tensor) -> Tensor:
    flat = torch.as_strided(e, (e.numel(),), (1,)) if e.is_contiguous() or dense(e) else e.contiguous()
    return torch.softmax(flat.reshape(e.shape), -1)


def dense(e: Tensor) -> bool:
    """Whether the elements fill a range of memory without gaps."""
    return 1 + sum((size - 1) * step for size, step in zip(e.shape, e.stride(), strict=True)) == e.numel() > 0


def mended(e: Tensor) -> Tensor:
    return torch.softmax(e.contiguous(), -1)
