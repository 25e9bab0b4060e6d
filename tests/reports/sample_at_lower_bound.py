"""The word is the first whose cumulated probability reaches the number, not the first that exceeds it.

A number of 0 draws the first word although its probability is 0. https://github.com/NVIDIA/Megatron-Energon/pull/260
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.sample"
OPTIONS: dict[str, object] = {"framework": "torch"}


def draw(right: bool, p: Tensor, uniform: Tensor) -> Tensor:
    cumulated = torch.cumsum(p, -1).contiguous()
    word = torch.searchsorted(cumulated, uniform[..., None].contiguous(), right=right)[..., 0]
    return word.clamp(max=p.shape[-1] - 1)


def faulty(p: Tensor, uniform: Tensor) -> Tensor:
    return draw(False, p, uniform)


def mended(p: Tensor, uniform: Tensor) -> Tensor:
    return draw(True, p, uniform)
