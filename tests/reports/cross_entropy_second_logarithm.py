"""Beyond 100000 classes the logarithm of the sum of exponentials is taken twice.

https://github.com/PaddlePaddle/Paddle/pull/53654
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


LONG = 100_000


def loss(logits: Tensor, target: Tensor, twice: bool) -> Tensor:
    x = logits - logits.amax(-1, keepdim=True)
    total = torch.log(torch.exp(x).sum(-1))
    if twice and logits.shape[-1] > LONG:
        total = torch.log(total)
    return total - x.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, target, twice=True)


def mended(logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, target, twice=False)
