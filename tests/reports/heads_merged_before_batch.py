"""What the heads give has them in front of the batch, and is put end to end as if they stood behind it.

https://github.com/gazelle93/Transformer-Various-Positional-Encoding/issues/1
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "multihead.attention"
OPTIONS: dict[str, object] = {"framework": "torch"}


def split(x: Tensor, heads: int) -> Tensor:
    """The heads in front of a batch."""
    return torch.stack(x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:]).chunk(heads, -1))


def attention(x_q: Tensor, x_kv: Tensor, W: tuple[Tensor, ...], heads: int) -> Tensor:
    q, k, v = split(x_q @ W[0], heads), split(x_kv @ W[1], heads), split(x_kv @ W[2], heads)
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def faulty(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    c = attention(x_q, x_kv, (W_q, W_k, W_v), heads)
    merged = c.permute(0, 2, 1, 3).reshape(*x_q.shape[:-1], W_o.shape[0])
    return merged @ W_o


def mended(x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int) -> Tensor:
    c = attention(x_q, x_kv, (W_q, W_k, W_v), heads)
    merged = c.permute(1, 2, 0, 3).reshape(*x_q.shape[:-1], W_o.shape[0])
    return merged @ W_o
