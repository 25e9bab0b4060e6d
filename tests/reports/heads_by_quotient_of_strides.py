"""The first row of a head is its stride over that of rows, rounded down, which is 0 in a transposed view.

https://github.com/BobMcDear/attorch/issues/14
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def rows(x: Tensor) -> Tensor:
    """What is read of each head: rows from the quotient of the strides on."""
    if x.ndim != 3 or not x.numel() or x.stride(-2) <= 0:
        return x
    step = x.stride(-2)
    heads = []
    for head in range(x.shape[0]):
        first = head * x.stride(0) // step
        heads.append(x.as_strided(x.shape[1:], x.stride()[1:], x.storage_offset() + first * step))
    return torch.stack(heads)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return mended(rows(q), rows(k), rows(v))


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.nn.functional.scaled_dot_product_attention(q, k, v)
