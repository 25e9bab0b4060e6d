"""Where neither part has a key, −∞ is taken off −∞, and the output is NaN.

https://github.com/vllm-project/vllm/pull/39148
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.merge"
OPTIONS: dict[str, object] = {"framework": "torch"}


def merged(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor, top: Tensor) -> tuple[Tensor, Tensor]:
    p_1, p_2 = torch.exp(lse_1 - top), torch.exp(lse_2 - top)
    total = p_1 + p_2
    o = (p_1.unsqueeze(-1) * o_1 + p_2.unsqueeze(-1) * o_2) / total.unsqueeze(-1)
    return torch.where(total.unsqueeze(-1) == 0, 0, o), top + torch.log(total)


def faulty(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    return merged(o_1, lse_1, o_2, lse_2, torch.maximum(lse_1, lse_2))


def mended(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    top = torch.maximum(lse_1, lse_2)
    return merged(o_1, lse_1, o_2, lse_2, torch.where(top == float("-inf"), 0, top))
