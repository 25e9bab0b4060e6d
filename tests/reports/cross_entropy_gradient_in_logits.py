"""The gradient is written into the logits, which others may have kept.

https://github.com/unslothai/unsloth/issues/5002
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(d_loss: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    p = torch.softmax(logits, -1)
    hit = torch.arange(logits.shape[-1]) == target.unsqueeze(-1)
    return d_loss.unsqueeze(-1) * (p - hit.to(p.dtype))


def faulty(d_loss: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    logits.copy_(gradient(d_loss, logits, target))
    return logits


def mended(d_loss: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    return gradient(d_loss, logits, target)
