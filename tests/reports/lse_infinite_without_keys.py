"""The logarithm of an empty sum is given as +∞, where −∞ belongs.

https://github.com/Dao-AILab/flash-attention/pull/978
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.with_lse"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attention(q: Tensor, k: Tensor, v: Tensor, empty: float) -> tuple[Tensor, Tensor]:
    e = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if not k.shape[-2]:
        return torch.zeros_like(e @ v), torch.full(e.shape[:-1], empty, dtype=e.dtype)
    return torch.softmax(e, -1) @ v, torch.logsumexp(e, -1)


def faulty(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    return attention(q, k, v, float("inf"))


def mended(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    return attention(q, k, v, float("-inf"))
