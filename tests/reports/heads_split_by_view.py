"""Queries, keys and values are cut into heads by a view of the whole example, rows and columns end to end.

https://github.com/reczoo/FuxiCTR/issues/30
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "multihead.attention"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def faulty(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    def split(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-2], heads, x.shape[-2], x.shape[-1] // heads)

    values = attend(split(x_q @ W_q), split(x_kv @ W_k), split(x_kv @ W_v))
    return values.reshape(*x_q.shape[:-1], W_o.shape[0]) @ W_o


def mended(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    def split(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(-2, -3)

    values = attend(split(x_q @ W_q), split(x_kv @ W_k), split(x_kv @ W_v))
    return values.transpose(-2, -3).reshape(*x_q.shape[:-1], W_o.shape[0]) @ W_o
