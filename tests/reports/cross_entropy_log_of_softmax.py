"""The logarithm of a softmax is −∞ where a probability underflows.

https://github.com/pytorch/pytorch/issues/94043
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    return -torch.softmax(logits, -1).log().gather(-1, target[..., None])[..., 0]


def mended(logits: Tensor, target: Tensor) -> Tensor:
    return -torch.log_softmax(logits, -1).gather(-1, target[..., None])[..., 0]
