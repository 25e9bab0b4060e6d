"""Values behind the end of a sequence are multiplied by a weight of 0, which is NaN where they are NaN.

https://github.com/vllm-project/vllm/pull/47305
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    seen = mask.unsqueeze(-2)
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    p = torch.softmax(e, -1)
    return torch.where(seen.any(-1, keepdim=True), p, torch.zeros_like(p)) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attend(q, k, v, mask)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    hidden = ~mask.unsqueeze(-1)
    return attend(q, k.masked_fill(hidden, 0), v.masked_fill(hidden, 0), mask)
