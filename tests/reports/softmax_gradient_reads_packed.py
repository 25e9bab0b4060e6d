"""The gradient that comes in is read as if its rows lay one after the other.

https://github.com/torch/nn/issues/832
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.softmax"
OPTIONS: dict[str, object] = {"framework": "torch"}


def in_memory(x: Tensor) -> Tensor:
    """As many elements as x has, one after the other in memory from where it begins."""
    if not x.numel():
        return x
    room = int(x.untyped_storage().nbytes() // x.element_size() - x.storage_offset())
    return x.as_strided((room,), (1,))[torch.arange(x.numel()) % room].reshape(x.shape)


def gradient(d_alpha: Tensor, e: Tensor) -> Tensor:
    alpha = torch.softmax(e, -1)
    return alpha * (d_alpha - (alpha * d_alpha).sum(-1, keepdim=True))


def faulty(d_alpha: Tensor, e: Tensor) -> Tensor:
    return gradient(in_memory(d_alpha), e)


def mended(d_alpha: Tensor, e: Tensor) -> Tensor:
    return gradient(d_alpha, e)
