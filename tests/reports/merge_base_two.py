"""Logarithms to the base e are taken for logarithms to the base 2 where two attentions are merged.

The report has it the other way round. https://github.com/sgl-project/sglang/pull/35045
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "attention.merge"
OPTIONS: dict[str, object] = {"framework": "torch"}


def merge(unit: float, o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    top = torch.maximum(lse_1, lse_2)
    finite = torch.where(top > float("-inf"), top, torch.zeros_like(top))
    p_1, p_2 = torch.exp(unit * (lse_1 - finite)), torch.exp(unit * (lse_2 - finite))
    total = p_1 + p_2
    o = (p_1[..., None] * o_1 + p_2[..., None] * o_2) / torch.where(total > 0, total, torch.ones_like(total))[..., None]
    return o, finite + torch.log(total) / unit


def faulty(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    return merge(math.log(2), o_1, lse_1, o_2, lse_2)


def mended(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    return merge(1.0, o_1, lse_1, o_2, lse_2)
