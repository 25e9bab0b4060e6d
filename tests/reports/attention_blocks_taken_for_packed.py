"""The distance between two blocks of keys is computed from that of two rows, as if nothing lay between the blocks.

https://github.com/ROCm/aiter/pull/3498
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def read(x: Tensor) -> Tensor:
    """Rows and columns by their strides, the axis before them as if it were packed."""
    if x.ndim < 3 or not x.numel():
        return x
    strides = [*x.stride()]
    strides[-3] = x.shape[-2] * strides[-2]
    place = torch.tensor(x.storage_offset())
    for size, stride in zip(x.shape, strides, strict=True):
        place = place.unsqueeze(-1) + stride * torch.arange(size)
    length = x.untyped_storage().nbytes() // x.element_size()
    return x.as_strided((length,), (1,), 0)[place.clamp(max=length - 1)]


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, read(k), read(v))


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v)
