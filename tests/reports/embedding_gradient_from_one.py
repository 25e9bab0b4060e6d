"""Tokens are counted from 1: the gradient goes to the row before, and that of token 0 to none.

https://github.com/nntrainer/nntrainer/pull/988
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.embedding"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(d_x: Tensor, k: Tensor, P: Tensor, first: int) -> Tensor:
    rows = k.unsqueeze(-1) - first == torch.arange(len(P))
    return rows.to(d_x.dtype).mT @ d_x


def faulty(d_x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    return gradient(d_x, k, P, first=1)


def mended(d_x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    return gradient(d_x, k, P, first=0)
