"""The heads of all examples stand head by head, and their masks example by example.

A head of one example sees the mask of another. https://github.com/lsdefine/attention-is-all-you-need-keras/issues/36
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "multihead.masked"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attention(
    by_example: bool, x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, mask: Tensor,
    heads: int,
) -> Tensor:  # fmt: skip
    count = math.prod(x_q.shape[:-2])

    def split(x: Tensor) -> Tensor:  # head by head, then example by example
        apart = x.reshape(count, x.shape[-2], heads, x.shape[-1] // heads)
        return apart.permute(2, 0, 1, 3).flatten(0, 1)

    q, k, v = split(x_q @ W_q), split(x_kv @ W_k), split(x_kv @ W_v)
    masks = mask.reshape(count, *mask.shape[-2:])
    seen = masks.repeat_interleave(heads, 0) if by_example else masks.repeat(heads, 1, 1)
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
    alpha = torch.where(seen.any(-1, keepdim=True), torch.softmax(e, -1), torch.zeros_like(e))
    c = (alpha @ v).reshape(heads, count, x_q.shape[-2], v.shape[-1]).permute(1, 2, 0, 3)
    return c.reshape(*x_q.shape[:-1], W_o.shape[0]) @ W_o


def faulty(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, mask: Tensor, *, heads: int
) -> Tensor:
    return attention(True, x_q, x_kv, W_q, W_k, W_v, W_o, mask, heads)


def mended(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, mask: Tensor, *, heads: int
) -> Tensor:
    return attention(False, x_q, x_kv, W_q, W_k, W_v, W_o, mask, heads)
