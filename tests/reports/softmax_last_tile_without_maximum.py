"""In the sum of the exponentials those of the last tile of 32 are taken without the maximum off.

https://github.com/tenstorrent/tt-metal/issues/51278
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


TILE = 32


def faulty(e: Tensor) -> Tensor:
    terms = torch.exp(e - e.amax(-1, keepdim=True))
    last = (e.shape[-1] - 1) // TILE * TILE
    total = terms[..., :last].sum(-1, keepdim=True) + torch.exp(e[..., last:]).sum(-1, keepdim=True)
    return terms / total


def mended(e: Tensor) -> Tensor:
    terms = torch.exp(e - e.amax(-1, keepdim=True))
    return terms / terms.sum(-1, keepdim=True)
