"""A query for which every key is padding reads NaN on the fast path, where the slow one reads 0.

https://github.com/pytorch/pytorch/pull/190486
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "multihead.padded_biased"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor,
    b_v: Tensor, b_o: Tensor, mask: Tensor, heads: int, safe: bool,
) -> Tensor:  # fmt: skip
    def split(y: Tensor) -> Tensor:
        return y.reshape(*y.shape[:-1], heads, y.shape[-1] // heads).transpose(-2, -3)

    q, k, v = split(x_q @ W_q + b_q), split(x_kv @ W_k + b_k), split(x_kv @ W_v + b_v)
    seen = mask[..., None, None, :]
    p = torch.softmax((q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf")), -1)
    if safe:
        p = torch.where(seen.any(-1, keepdim=True), p, torch.zeros_like(p))
    return (p @ v).transpose(-2, -3).flatten(-2) @ W_o + b_o


def faulty(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor,
    b_v: Tensor, b_o: Tensor, mask: Tensor, *, heads: int,
) -> Tensor:  # fmt: skip
    return attend(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads, safe=False)


def mended(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor,
    b_v: Tensor, b_o: Tensor, mask: Tensor, *, heads: int,
) -> Tensor:  # fmt: skip
    return attend(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads, safe=True)
