"""The largest logit is looked for from the smallest positive number on, and not from the lowest one.

https://github.com/mit-han-lab/tinyengine/issues/107
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def loss(logits: Tensor, target: Tensor, least: float) -> Tensor:
    shifted = logits - logits.amax(-1, keepdim=True).clamp(min=least)
    return torch.log(torch.exp(shifted).sum(-1)) - shifted.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, target, torch.finfo(torch.float32).tiny)


def mended(logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, target, -torch.inf)
