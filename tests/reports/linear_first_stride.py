"""Rows of a tensor of rank 3 are taken to be stride(0) apart, as those of a matrix are.

https://github.com/vllm-project/vllm-xpu-kernels/pull/397
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.linear"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    width, rows = x.shape[-1], x.shape[:-1].numel()
    x = x if x.stride(-1) == 1 else x.contiguous()
    step = x.stride(-2) if x.is_contiguous() else x.stride(0)
    held = x.untyped_storage().nbytes() // x.element_size() - x.storage_offset()
    readable = max((held - width) // max(step, 1), 0)
    flat = torch.as_strided(x, (min(rows, readable + 1), width), (step, 1))
    return mended(flat[torch.arange(rows).clamp(max=readable)].reshape(x.shape), W, b) if rows else mended(x, W, b)


def mended(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return x @ W + b
