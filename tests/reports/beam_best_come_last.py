"""The best continuations are found, and sorted with the worst of them first.

https://github.com/ufal/neuralmonkey/pull/311
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "generation.beam_step"
OPTIONS: dict[str, object] = {"framework": "torch"}


def step(log_p: Tensor, score: Tensor, over: Tensor, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    words = log_p.shape[-1]
    ended = torch.full_like(log_p, float("-inf"))
    ended[..., stop] = score
    total = torch.where(over[..., None] > 0, ended, score[..., None] + log_p).flatten(-2)
    best = torch.sort(total, dim=-1, descending=True, stable=True)
    place = best.indices[..., : score.shape[-1]]
    return best.values[..., : score.shape[-1]], place // words, place % words


def faulty(log_p: Tensor, score: Tensor, over: Tensor, *, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    best, parent, token = step(log_p, score, over, stop)
    return best.flip(-1), parent.flip(-1), token.flip(-1)


def mended(log_p: Tensor, score: Tensor, over: Tensor, *, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    return step(log_p, score, over, stop)
