"""The gradient of the loss is read one element further for each row, although one element may stand for all rows.

What lies behind it in memory is 0 here. https://github.com/ROCm/TransformerEngine/pull/623
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(d_loss: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    right = torch.zeros_like(logits).scatter(-1, target[..., None], 1)
    return d_loss[..., None] * (torch.softmax(logits, -1) - right)


def faulty(d_loss: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    count = d_loss.numel()
    held = d_loss.untyped_storage().nbytes() // d_loss.element_size() - d_loss.storage_offset()
    read = torch.as_strided(d_loss, (min(count, held),), (1,))
    padded = torch.cat([read, read.new_zeros(count - len(read))])
    return gradient(padded.reshape(d_loss.shape), logits, target)


def mended(d_loss: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    return gradient(d_loss.contiguous(), logits, target)
