"""The logarithms of the probabilities are divided by the temperature, and nothing makes the powers sum to 1 again.

https://github.com/MoonshotAI/Kimi-Audio/pull/161
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.temperature"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits: Tensor, *, tau: float) -> Tensor:
    return torch.exp(torch.log_softmax(logits, -1) / tau)


def mended(logits: Tensor, *, tau: float) -> Tensor:
    return torch.exp(torch.log_softmax(logits / tau, -1))
