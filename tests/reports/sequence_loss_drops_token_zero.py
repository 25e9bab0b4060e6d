"""A token whose number is 0 is taken for padding, though the mask says that it counts.

https://github.com/neuralmagic/deepsparse/pull/1141
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.sequence_loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


def losses(logits: Tensor, target: Tensor) -> Tensor:
    return -torch.log_softmax(logits, -1).gather(-1, target.unsqueeze(-1)).squeeze(-1)


def mean(loss: Tensor, valid: Tensor) -> Tensor:
    return torch.where(valid, loss, 0).sum(-1) / valid.sum(-1)


def faulty(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return mean(losses(logits, target), valid & (target != 0))


def mended(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return mean(losses(logits, target), valid)
