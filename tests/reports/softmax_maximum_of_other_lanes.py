"""Of each sixteen rows the maxima of the last eight are not stored, and those of the first eight stand there.

https://github.com/pytorch/pytorch/pull/156379
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


LANES = 8


def softmax(e: Tensor, stores: bool) -> Tensor:
    x = e.float()
    top = x.amax(-1, keepdim=True)
    if not stores:
        top = top.clone()
        for first in range(0, e.shape[-2] - 2 * LANES + 1, 2 * LANES):  # the rest is not vectorised
            top[..., first + LANES : first + 2 * LANES, :] = top[..., first : first + LANES, :]
    p = torch.exp(x - top)
    return (p / p.sum(-1, keepdim=True)).to(e.dtype)


def faulty(e: Tensor) -> Tensor:
    return softmax(e, stores=False)


def mended(e: Tensor) -> Tensor:
    return softmax(e, stores=True)
