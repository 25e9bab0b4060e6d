"""Of the values alone a kernel takes for granted that they are contiguous.

https://github.com/flagos-ai/FlagGems/issues/5896
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    v = v.contiguous() if 0 in v.stride() else v
    steps = torch.empty(v.shape, device="meta").stride()
    return mended(q, k, torch.as_strided(v, v.shape, steps))


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1) @ v
