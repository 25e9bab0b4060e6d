"""The perplexity is the mean of the exponentials of the losses, not the exponential of their mean.

https://github.com/lisa-lab/pylearn2/issues/1383
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.perplexity"
OPTIONS: dict[str, object] = {"framework": "torch"}


def mean(values: Tensor, valid: Tensor) -> Tensor:
    return torch.where(valid, values, torch.zeros_like(values)).sum(-1) / valid.sum(-1)


def losses(logits: Tensor, target: Tensor) -> Tensor:
    return -torch.log_softmax(logits, -1).gather(-1, target[..., None])[..., 0]


def faulty(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return mean(torch.exp(losses(logits, target)), valid)


def mended(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return torch.exp(mean(losses(logits, target), valid))
