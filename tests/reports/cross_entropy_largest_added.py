"""The largest logit is added to the logarithm of the sum before it is taken off, and both lose their digits.

https://github.com/pytorch/pytorch/issues/38839
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    top = logits.amax(-1, keepdim=True)
    lse = top + torch.log(torch.exp(logits - top).sum(-1, keepdim=True))
    return -(logits - lse).gather(-1, target.unsqueeze(-1)).squeeze(-1)


def mended(logits: Tensor, target: Tensor) -> Tensor:
    x = logits - logits.amax(-1, keepdim=True)
    log_p = x - torch.log(torch.exp(x).sum(-1, keepdim=True))
    return -log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)
