"""The batch is taken for the sequence: tokens attend to those at their place in the other examples.

https://github.com/IBM/TabFormer/pull/14
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "multihead.self_attention_biased"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(x: Tensor, w: tuple[Tensor, ...], heads: int) -> Tensor:
    W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o = w
    q, k, v = (
        y.reshape(*y.shape[:-1], heads, y.shape[-1] // heads).transpose(-2, -3)
        for y in (x @ W_q + b_q, x @ W_k + b_k, x @ W_v + b_v)
    )
    a = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    return (a @ v).transpose(-2, -3).flatten(-2) @ W_o + b_o


def faulty(x: Tensor, *w: Tensor, heads: int) -> Tensor:
    return attend(x.transpose(0, 1), w, heads).transpose(0, 1) if x.ndim == 3 else attend(x, w, heads)


def mended(x: Tensor, *w: Tensor, heads: int) -> Tensor:
    return attend(x, w, heads)
