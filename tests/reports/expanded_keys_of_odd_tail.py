"""A last tile of one key is misread where keys are the same array for all examples, by a stride of 0.

https://github.com/pytorch/pytorch/issues/191937
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


TILE = 32


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


def faulty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    shared = any(size > 1 and step == 0 for size, step in zip(k.shape[:-2], k.stride()[:-2], strict=True))
    if shared and k.shape[-2] % TILE == 1:
        k = torch.cat([k[..., :-1, :], torch.zeros_like(k[..., -1:, :])], -2)
    return attend(q, k, v)


def mended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(q, k, v)
