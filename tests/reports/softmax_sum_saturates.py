"""The exponentials of a row are added one after the other in bfloat16, where 256 + 1 is 256.

https://github.com/pytorch/executorch/pull/20089
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "bfloat16"}


def softmax(e: Tensor, dtype: torch.dtype) -> Tensor:
    x = e.float()
    p = torch.exp(x - x.amax(-1, keepdim=True))
    terms = p.to(dtype)
    total = torch.zeros_like(terms[..., 0])
    for k in range(e.shape[-1]):
        total = total + terms[..., k]
    return (p / total.float().unsqueeze(-1)).to(e.dtype)


def faulty(e: Tensor) -> Tensor:
    return softmax(e, torch.bfloat16)


def mended(e: Tensor) -> Tensor:
    return softmax(e, torch.float32)
