"""The mask of the keys also takes queries out, as if queries and keys were the same rows.

https://github.com/vllm-project/vllm-omni/issues/5865
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attention(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    e = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    return torch.softmax(e, -1).nan_to_num(0.0) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    c = attention(q, k, v, mask.unsqueeze(-2))
    rows, keys = q.shape[-2], k.shape[-2]
    kept = mask[..., :rows]
    if rows > keys:
        kept = torch.cat([kept, kept.new_zeros(*kept.shape[:-1], rows - keys)], -1)
    return torch.where(kept.unsqueeze(-1), c, 0)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attention(q, k, v, mask.unsqueeze(-2))
