"""Looked-up rows are kept by the address and the shape of the tokens; a later call may have others there.

https://github.com/NVIDIA/Megatron-LM/pull/7127
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "text.embedding"
OPTIONS: dict[str, object] = {"framework": "torch"}


KEPT: dict[tuple[int, torch.Size], tuple[Tensor, Tensor]] = {}


def faulty(k: Tensor, P: Tensor) -> Tensor:
    key = (k.data_ptr(), k.shape)
    if key not in KEPT:
        KEPT[key] = (k >= 0, k.clamp(min=0))
    known, rows = KEPT[key]
    return torch.where(known.unsqueeze(-1), P[rows.clamp(max=P.shape[-2] - 1)], 0)


def mended(k: Tensor, P: Tensor) -> Tensor:
    return torch.where((k >= 0).unsqueeze(-1), P[k.clamp(min=0)], 0)
