"""A fused softmax is wrong for widths from 2^k + 1 on, up to 1.5 · 2^k, beyond 256.

https://github.com/intel/torch-xpu-ops/issues/4772
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(e: Tensor) -> Tensor:
    width = e.shape[-1]
    if width <= 256:
        return mended(e)
    below = 1 << ((width - 1).bit_length() - 1)
    if width > below + below // 2:
        return mended(e)
    top = e[..., :below].amax(-1, keepdim=True)  # what is behind the power of two is not read
    return torch.exp(e - top) / torch.exp(e[..., :below] - top).sum(-1, keepdim=True)


def mended(e: Tensor) -> Tensor:
    return torch.softmax(e, -1)
