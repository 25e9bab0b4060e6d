"""The number of rows is kept with the compiled program; a longer call of the same width reads the first ones again.

https://github.com/tenstorrent/tt-metal/issues/54138
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.weights"
OPTIONS: dict[str, object] = {"framework": "torch"}


PROGRAMS: dict[int, int] = {}


def faulty(e: Tensor) -> Tensor:
    flat = e.reshape(-1, e.shape[-1]) if e.numel() else e.reshape(0, e.shape[-1])
    kept = PROGRAMS.setdefault(e.shape[-1], max(len(flat), 1))
    rows = torch.arange(len(flat)) % kept
    return torch.softmax(flat[rows], -1).reshape(e.shape)


def mended(e: Tensor) -> Tensor:
    return torch.softmax(e, -1)
