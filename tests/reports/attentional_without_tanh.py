"""The attentional state is a linear layer of context and state: tanh is not applied.

https://github.com/tensorflow/nmt/issues/257
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention_rnn.attentional_state"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(c: Tensor, s: Tensor, W_c: Tensor) -> Tensor:
    return torch.cat([c, s], -1) @ W_c


def mended(c: Tensor, s: Tensor, W_c: Tensor) -> Tensor:
    return torch.tanh(torch.cat([c, s], -1) @ W_c)
