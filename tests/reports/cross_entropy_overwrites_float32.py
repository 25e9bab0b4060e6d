"""What is converted to float32 is worked on in place; where it is float32 already, this is the input.

https://github.com/NVIDIA/Megatron-LM/pull/1594
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.cross_entropy"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits: Tensor, target: Tensor) -> Tensor:
    logits = logits.float()
    logits -= logits.amax(-1, keepdim=True)
    hit = logits.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return torch.log(logits.exp().sum(-1)) - hit


def mended(logits: Tensor, target: Tensor) -> Tensor:
    logits = logits - logits.amax(-1, keepdim=True)
    hit = logits.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return torch.log(logits.exp().sum(-1)) - hit
