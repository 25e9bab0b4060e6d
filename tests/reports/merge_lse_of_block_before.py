"""A second block of columns reads the log-sum-exp that the first block has overwritten.

https://github.com/local-inference-lab/vllm/pull/468
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.merge"
OPTIONS: dict[str, object] = {"framework": "torch"}


COLUMNS = 512


def weights(lse_1: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    top = torch.maximum(lse_1, lse_2)
    top = torch.where(top == float("-inf"), 0, top)
    p_1, p_2 = torch.exp(lse_1 - top), torch.exp(lse_2 - top)
    total = p_1 + p_2
    some = torch.where(total == 0, 1, total)
    return (p_1 / some).unsqueeze(-1), (p_2 / some).unsqueeze(-1), top + torch.log(total)


def faulty(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    running, blocks = lse_1, [o_1[..., :0]]
    _, _, lse = weights(running, lse_2)
    for first, second in zip(torch.split(o_1, COLUMNS, -1), torch.split(o_2, COLUMNS, -1), strict=True):
        p_1, p_2, running = weights(running, lse_2)
        blocks.append(p_1 * first + p_2 * second)
    return torch.cat(blocks, -1), lse


def mended(o_1: Tensor, lse_1: Tensor, o_2: Tensor, lse_2: Tensor) -> tuple[Tensor, Tensor]:
    p_1, p_2, lse = weights(lse_1, lse_2)
    return p_1 * o_1 + p_2 * o_2, lse
