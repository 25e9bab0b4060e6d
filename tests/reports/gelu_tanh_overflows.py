"""tanh is made of exp(2u), whose quotient is ∞ by ∞ where u is large.

https://github.com/pytorch/pytorch/pull/186286
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.feed_forward_gelu_tanh"
OPTIONS: dict[str, object] = {"framework": "torch"}


def network(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, largest: float) -> Tensor:
    a = x @ W_1 + b_1
    u = 0.7978845608028654 * (a + 0.044715 * a * a * a)
    grown = torch.exp(2 * u.clamp(-largest, largest))
    return 0.5 * a * (1 + (grown - 1) / (grown + 1)) @ W_2 + b_2


def faulty(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return network(x, W_1, b_1, W_2, b_2, float("inf"))


def mended(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    a = x @ W_1 + b_1
    return torch.nn.functional.gelu(a, approximate="tanh") @ W_2 + b_2
