"""The scores of each head are divided by the root of the width of all heads.

https://github.com/omihub777/ViT-CIFAR/pull/11
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "multihead.attention"
OPTIONS: dict[str, object] = {"framework": "torch"}


def split(x: Tensor, heads: int) -> Tensor:
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(-2, -3)


def attention(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, heads: int, of_all: bool
) -> Tensor:
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    width = W_q.shape[-1] if of_all else q.shape[-1]
    alpha = torch.softmax(q @ k.mT / width**0.5, -1)
    return (alpha @ v).transpose(-2, -3).flatten(-2) @ W_o


def faulty(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    return attention(x_q, x_kv, W_q, W_k, W_v, W_o, heads, of_all=True)


def mended(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    return attention(x_q, x_kv, W_q, W_k, W_v, W_o, heads, of_all=False)
