"""The output is a tensor that is kept for its shape, so that the next call overwrites the answer.

https://github.com/flashinfer-ai/flashinfer/pull/3127
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


OUTPUTS: dict[tuple[torch.Size, torch.dtype], Tensor] = {}


def faulty(e: Tensor) -> Tensor:
    out = OUTPUTS.setdefault((e.shape, e.dtype), torch.empty_like(e))
    out.copy_(torch.softmax(e, -1))
    return out


def mended(e: Tensor) -> Tensor:
    return torch.softmax(e, -1)
