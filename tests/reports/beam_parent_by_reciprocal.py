"""The hypothesis that goes on is found by a product with the reciprocal of the vocabulary's size.

https://github.com/huggingface/transformers/pull/18165
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "generation.beam_step"
OPTIONS: dict[str, object] = {"framework": "torch"}


def best(log_p: Tensor, score: Tensor, over: Tensor, stop: int, forced: bool) -> tuple[Tensor, Tensor]:
    """The totals of the best continuations, and their places in the matrix of all."""
    words = torch.arange(log_p.shape[-1])
    ended = torch.where((words == stop) | (not forced), score.unsqueeze(-1), -math.inf)
    total = torch.where(over.unsqueeze(-1) > 0, ended, score.unsqueeze(-1) + log_p).flatten(-2)
    order = total.sort(descending=True, stable=True).indices[..., : score.shape[-1]]
    return total.gather(-1, order), order


def faulty(log_p: Tensor, score: Tensor, over: Tensor, *, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    top, order = best(log_p, score, over, stop, forced=True)
    parent = (order.float() * (1 / torch.tensor(log_p.shape[-1], dtype=torch.float32))).long()
    return top, parent, order % log_p.shape[-1]


def mended(log_p: Tensor, score: Tensor, over: Tensor, *, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    top, order = best(log_p, score, over, stop, forced=True)
    return top, order // log_p.shape[-1], order % log_p.shape[-1]
