"""A query that may look at nothing reads the mean of all values, since −10000 is added to every score.

https://github.com/NVIDIA/apex/issues/1390
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.masked"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, -10000.0)
    return torch.softmax(e, -1) @ v


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    unseen = ~mask.any(-2)[..., None]  # by any query
    e = (q @ k.masked_fill(unseen, 0).mT / q.shape[-1] ** 0.5).masked_fill(~mask, float("-inf"))
    alpha = torch.softmax(e, -1)
    alpha = torch.where(mask.any(-1, keepdim=True), alpha, torch.zeros_like(alpha))
    return alpha @ v.masked_fill(unseen, 0)
