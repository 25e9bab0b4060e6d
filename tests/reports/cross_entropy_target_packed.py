"""Targets are read one after the other in memory, whatever their stride is.

https://github.com/pytorch/pytorch/issues/67167
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def in_memory(x: Tensor) -> Tensor:
    """As many elements as x has, one after the other in memory from where it begins."""
    if not x.numel():
        return x
    room = int(x.untyped_storage().nbytes() // x.element_size() - x.storage_offset())
    return x.as_strided((room,), (1,))[torch.arange(x.numel()) % room].reshape(x.shape)


def loss(logits: Tensor, target: Tensor) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return -log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, in_memory(target))


def mended(logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, target)
