"""Both halves are taken from the last row, where the backward one has read one input only.

https://github.com/yalesong/pvse/issues/13
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.bidirectional_feature"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(h: Tensor) -> Tensor:
    return h[..., -1, :].clone()


def mended(h: Tensor) -> Tensor:
    u = h.shape[-1] // 2
    return torch.cat([h[..., -1, :u], h[..., 0, u:]], -1)
