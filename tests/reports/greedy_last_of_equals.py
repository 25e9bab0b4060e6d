"""Of equal largest scores the last one is taken.

https://github.com/pytorch/pytorch/issues/93630
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention_rnn.attentive_greedy_step"
OPTIONS: dict[str, object] = {"framework": "torch"}


def step(token: Tensor, s: Tensor, c: Tensor, h: Tensor, E: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor,
         W_o: Tensor, b_o: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    s = torch.tanh(torch.cat([E[token], s, c], -1) @ A + b)
    e = ((h @ W_k) @ (s @ W_q).unsqueeze(-1)).squeeze(-1)
    return s, (torch.softmax(e, -1).unsqueeze(-2) @ h).squeeze(-2), s @ W_o + b_o


def faulty(token: Tensor, s: Tensor, c: Tensor, h: Tensor, E: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor,
           W_o: Tensor, b_o: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    s, c, logits = step(token, s, c, h, E, A, b, W_q, W_k, W_o, b_o)
    return s, c, logits.shape[-1] - 1 - logits.flip(-1).argmax(-1)


def mended(token: Tensor, s: Tensor, c: Tensor, h: Tensor, E: Tensor, A: Tensor, b: Tensor, W_q: Tensor, W_k: Tensor,
           W_o: Tensor, b_o: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    s, c, logits = step(token, s, c, h, E, A, b, W_q, W_k, W_o, b_o)
    return s, c, logits.argmax(-1)
