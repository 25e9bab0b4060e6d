"""The losses of windows are averaged, though the last window has fewer tokens.

https://github.com/huggingface/transformers/pull/34387
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.perplexity"
OPTIONS: dict[str, object] = {"framework": "torch"}


def losses(logits: Tensor, target: Tensor) -> Tensor:
    return -torch.log_softmax(logits, -1).gather(-1, target.unsqueeze(-1)).squeeze(-1)


WINDOW = 24


def faulty(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    counted = torch.where(valid, losses(logits, target), 0)
    sums = torch.stack([each.sum(-1) for each in torch.split(counted, WINDOW, -1)], -1)
    counts = torch.stack([each.sum(-1) for each in torch.split(valid, WINDOW, -1)], -1)
    means = torch.where(counts > 0, sums / counts.clamp(min=1), 0)
    return torch.exp(means.sum(-1) / (counts > 0).sum(-1))


def mended(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return torch.exp(torch.where(valid, losses(logits, target), 0).sum(-1) / valid.sum(-1))
