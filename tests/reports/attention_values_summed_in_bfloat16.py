"""The weighted values are added one key after the other in bfloat16.

https://github.com/Xilinx/mlir-air/pull/1606
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


def attend(q: Tensor, k: Tensor, v: Tensor, dtype: torch.dtype) -> Tensor:
    p = torch.softmax(q.float() @ k.float().mT / q.shape[-1] ** 0.5, -1)
    o = torch.zeros_like(p[..., :1] * v.float()[..., :1, :], dtype=dtype)
    for j in range(k.shape[-2]):
        o = (o.float() + p[..., j : j + 1] * v[..., j : j + 1, :].float()).to(dtype)
    return o.to(q.dtype)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, torch.bfloat16)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v, torch.float32)
