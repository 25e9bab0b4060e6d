"""Of wide rows that do not begin at a whole vector the last elements are not normalised.

https://github.com/pytorch/pytorch/pull/36485
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


PERSISTENT, VECTOR = 1024, 4


def softmax(e: Tensor, ends: bool) -> Tensor:
    y, width = torch.softmax(e.contiguous(), -1), e.shape[-1]
    if width > PERSISTENT and not ends:
        for place, (row, source) in enumerate(zip(y.view(-1, width), e.reshape(-1, width), strict=True)):
            shift = place * width % VECTOR
            row[width - shift :] = source[width - shift :]
    return y


def faulty(e: Tensor) -> Tensor:
    return softmax(e, ends=False)


def mended(e: Tensor) -> Tensor:
    return softmax(e, ends=True)
