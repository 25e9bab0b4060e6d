"""What is fed back is the state of the decoder, and not what its attention gave.

https://github.com/mkolod/mxnet_seq2seq/pull/4
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention_rnn.attentive_step"
OPTIONS: dict[str, object] = {"framework": "torch"}


def step(
    x: Tensor, s: Tensor, fed: Tensor, h: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor
) -> tuple[Tensor, Tensor]:
    s = torch.tanh(torch.cat([x, s, fed], -1) @ A + b)
    e = ((h @ W_k) @ (s @ W_q).unsqueeze(-1)).squeeze(-1)
    return s, (torch.softmax(e, -1).unsqueeze(-2) @ h).squeeze(-2)


def faulty(
    x: Tensor, s: Tensor, c: Tensor, h: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor
) -> tuple[Tensor, Tensor]:
    return step(x, s, s, h, A, b, W_q, W_k)


def mended(
    x: Tensor, s: Tensor, c: Tensor, h: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor
) -> tuple[Tensor, Tensor]:
    return step(x, s, c, h, A, b, W_q, W_k)
