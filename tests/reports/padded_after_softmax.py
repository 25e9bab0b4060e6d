"""What masks a score, minus infinity, is written behind the softmax, into the weights.

https://github.com/gabrielmittag/NISQA/issues/17
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    alpha = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1)
    return alpha.masked_fill(~mask[..., None, :], float("-inf")) @ v


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    hidden = ~mask[..., None]
    e = q @ k.masked_fill(hidden, 0).mT / q.shape[-1] ** 0.5
    alpha = torch.softmax(e.masked_fill(hidden.mT, float("-inf")), -1)
    alpha = torch.where(mask.any(-1)[..., None, None], alpha, torch.zeros_like(alpha))
    return alpha @ v.masked_fill(hidden, 0)
