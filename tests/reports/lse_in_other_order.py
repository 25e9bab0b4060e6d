"""The logarithms of a batch are written query by query, and read example by example; the outputs are right.

https://github.com/vllm-project/flash-attention/pull/87
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.with_lse"
OPTIONS: dict[str, object] = {"framework": "torch"}


def mended(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    e = q @ k.mT / math.sqrt(q.shape[-1])
    return torch.softmax(e, -1) @ v, torch.logsumexp(e, -1)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    o, lse = mended(q, k, v)
    return o, lse.mT.reshape(lse.shape) if lse.ndim == 2 else lse
