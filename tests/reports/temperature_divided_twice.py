"""The scores are divided by the temperature once for all backends, and once more in one of them.

https://github.com/RL-Align/RL-Kernel/pull/86
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.temperature"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits: Tensor, *, tau: float) -> Tensor:
    scaled = logits / tau
    return torch.softmax(scaled / tau, -1)


def mended(logits: Tensor, *, tau: float) -> Tensor:
    return torch.softmax(logits / tau, -1)
