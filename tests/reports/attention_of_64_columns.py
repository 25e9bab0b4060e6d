"""The width of a head is written into the launch as 64: of wider rows only the first 64 columns are read.

https://github.com/triton-lang/triton/issues/621
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


WIDTH = 64


def attention(q: Tensor, k: Tensor, v: Tensor, columns: int, written: int) -> Tensor:
    e = q[..., :columns] @ k[..., :columns].mT / q.shape[-1] ** 0.5
    c = torch.softmax(e, -1) @ v[..., :written]
    return torch.nn.functional.pad(c, (0, v.shape[-1] - c.shape[-1]))


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, WIDTH, WIDTH)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, q.shape[-1], v.shape[-1])
