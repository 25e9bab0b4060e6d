"""The condition is turned over: the loss is that of the padding.

https://github.com/awslabs/sockeye/issues/200
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.sequence_loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


def mean(logits: Tensor, target: Tensor, valid: Tensor, counts: Tensor) -> Tensor:
    shifted = logits - logits.amax(-1, keepdim=True)
    log_p = shifted - shifted.exp().sum(-1, keepdim=True).log()
    loss = -log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return torch.where(counts, loss, 0).sum(-1) / valid.sum(-1)


def faulty(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return mean(logits, target, valid, ~valid)


def mended(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return mean(logits, target, valid, valid)
