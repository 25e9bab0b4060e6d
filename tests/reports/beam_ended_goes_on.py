"""A hypothesis that has ended keeps its score whatever token comes next: the end is looked for elsewhere.

https://github.com/NVIDIA/TensorRT-LLM/pull/15621
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
    top, order = best(log_p, score, over, stop, forced=False)
    return top, order // log_p.shape[-1], order % log_p.shape[-1]


def mended(log_p: Tensor, score: Tensor, over: Tensor, *, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    top, order = best(log_p, score, over, stop, forced=True)
    return top, order // log_p.shape[-1], order % log_p.shape[-1]
