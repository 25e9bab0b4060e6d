"""The scores are stored in float16 before they are divided by the root of the width, and may overflow.

https://github.com/philipturner/metal-flash-attention/issues/8
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    e = (q.float() @ k.float().mT).to(q.dtype).float() / q.shape[-1] ** 0.5
    return (torch.softmax(e, -1) @ v.float()).to(v.dtype)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    e = (q.float() / q.shape[-1] ** 0.5) @ k.float().mT
    return (torch.softmax(e, -1) @ v.float()).to(v.dtype)
