"""Logits are copied where their last stride is not 1; all rows are then as far apart as those of the last axis.

https://github.com/NVIDIA/TransformerEngine/issues/2734
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def loss(logits: Tensor, target: Tensor) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return -log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def rows(logits: Tensor) -> Tensor:
    """All rows as far apart as the last two are."""
    if logits.stride(-1) != 1:
        logits = logits.contiguous()
    if logits.ndim < 3 or not logits.numel():
        return logits
    count, width = logits[..., 0].numel(), logits.shape[-1]
    room = int(logits.untyped_storage().nbytes() // logits.element_size() - logits.storage_offset())
    place = torch.arange(count).unsqueeze(-1) * logits.stride(-2) + torch.arange(width)
    return logits.as_strided((room,), (1,))[place % room].reshape(logits.shape)


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    return loss(rows(logits), target)


def mended(logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, target)
