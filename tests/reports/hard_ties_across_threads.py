"""Of scores that tie, the one of the lowest thread wins, not the first: threads take turns, 256 of them.

https://github.com/NVIDIA/TensorRT-Model-Connect/pull/1157
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.hard"
OPTIONS: dict[str, object] = {"framework": "torch"}


def read(best: Tensor, v: Tensor) -> Tensor:
    return v.gather(-2, best[..., None].expand(*best.shape, v.shape[-1]))


def faulty(e: Tensor, v: Tensor) -> Tensor:
    order = sorted(range(e.shape[-1]), key=lambda j: (j % 256, j))
    by_thread = e[..., order]
    return read(torch.tensor(order)[by_thread.argmax(-1)], v)


def mended(e: Tensor, v: Tensor) -> Tensor:
    return read(e.argmax(-1), v)
