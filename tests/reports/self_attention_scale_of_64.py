"""The scale is that of a width of 64, whatever the width is.

https://github.com/pytorch/text/pull/1432
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "self_attention.scaled"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attention(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, scale: float) -> Tensor:
    return torch.softmax((x @ W_q) @ (x @ W_k).transpose(-1, -2) * scale, -1) @ (x @ W_v)


def faulty(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    return attention(x, W_q, W_k, W_v, 0.125)


def mended(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    return attention(x, W_q, W_k, W_v, W_q.shape[-1] ** -0.5)
