"""The logarithm of the second sum may be so much larger than the first that its exponential overflows.

https://github.com/jzhang38/EasyContext/issues/14
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.merge"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    lse = torch.where(lse_1 == float("-inf"), lse_2, lse_1 + torch.log(1 + torch.exp(lse_2 - lse_1)))
    empty = lse == float("-inf")
    p_1, p_2 = torch.exp(lse_1 - lse).masked_fill(empty, 0), torch.exp(lse_2 - lse).masked_fill(empty, 0)
    return p_1[..., None] * o_1 + p_2[..., None] * o_2, lse


def mended(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    top = torch.maximum(lse_1, lse_2)
    empty = top == float("-inf")
    p_1, p_2 = torch.exp(lse_1 - top).masked_fill(empty, 0), torch.exp(lse_2 - top).masked_fill(empty, 0)
    total = (p_1 + p_2).masked_fill(empty, 1)
    return (p_1[..., None] * o_1 + p_2[..., None] * o_2) / total[..., None], top + torch.log(total)
