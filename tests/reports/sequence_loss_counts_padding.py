"""The loss of padding is masked, but padding is counted in the mean.

https://github.com/tracel-ai/burn/issues/5568
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.sequence_loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


def losses(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    loss = -torch.log_softmax(logits, -1).gather(-1, target[..., None])[..., 0]
    return torch.where(valid, loss, torch.zeros_like(loss))


def faulty(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return losses(logits, target, valid).mean(-1)


def mended(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return losses(logits, target, valid).sum(-1) / valid.sum(-1)
