"""The heads are merged by a reshape alone, which mixes the rows of a head, instead of a permutation and a reshape.

https://github.com/jsbaan/transformer-from-scratch/pull/6
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "multihead.attention"
OPTIONS: dict[str, object] = {"framework": "torch"}


def heads_of(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, heads: int) -> Tensor:
    def split(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(-2, -3)

    q, k, v = split(x_q @ W_q), split(x_kv @ W_k), split(x_kv @ W_v)
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def faulty(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    values = heads_of(x_q, x_kv, W_q, W_k, W_v, W_o, heads)
    return values.reshape(*x_q.shape[:-1], W_o.shape[0]) @ W_o


def mended(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    values = heads_of(x_q, x_kv, W_q, W_k, W_v, W_o, heads)
    return values.transpose(-2, -3).reshape(*x_q.shape[:-1], W_o.shape[0]) @ W_o
