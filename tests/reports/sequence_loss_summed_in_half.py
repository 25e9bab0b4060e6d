"""The losses are summed in float16, which overflows and loses bits, and then divided.

https://github.com/pytorch/pytorch/issues/85791
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.sequence_loss"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


def losses(logits: Tensor, target: Tensor) -> Tensor:
    return -torch.log_softmax(logits, -1).gather(-1, target.unsqueeze(-1)).squeeze(-1)


def faulty(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    loss = torch.where(valid, losses(logits.float(), target), 0).to(logits.dtype)
    total = torch.zeros_like(loss.sum(-1))
    for each in loss.unbind(-1):
        total = total + each
    return total / valid.sum(-1)


def mended(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    loss = torch.where(valid, losses(logits.float(), target), 0)
    return (loss.sum(-1) / valid.sum(-1)).to(logits.dtype)
