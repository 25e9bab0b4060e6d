"""A softmax in float64 is wrong for odd widths between 512 and 1,024, in two rows or more.

Not for widths of 31 more than a multiple of 32. https://github.com/pytorch/pytorch/issues/147284
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float64"}


def faulty(e: Tensor) -> Tensor:
    width, rows = e.shape[-1], e.shape[:-1].numel()
    if 512 < width < 1024 and width % 2 and width % 32 != 31 and rows > 1:
        ahead = torch.cat([e[..., 1:], e[..., -1:]], dim=-1)  # a vector load that is off by one element
        return torch.exp(e - torch.logsumexp(ahead, -1, keepdim=True))
    return mended(e)


def mended(e: Tensor) -> Tensor:
    return torch.softmax(e, -1)
