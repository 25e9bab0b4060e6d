"""The two constants of the approximation stand in each other's place.

https://github.com/huggingface/transformers/pull/11514
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.feed_forward_gelu_tanh"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gelu(a: Tensor, outer: float, inner: float) -> Tensor:
    return 0.5 * a * (1 + torch.tanh(a * outer * (1 + inner * a * a)))


def faulty(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return gelu(x @ W_1 + b_1, 0.044715, 0.7978845608028654) @ W_2 + b_2


def mended(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return gelu(x @ W_1 + b_1, 0.7978845608028654, 0.044715) @ W_2 + b_2
