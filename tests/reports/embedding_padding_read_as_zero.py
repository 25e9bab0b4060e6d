"""The vector of padding is replaced by zeros where it is read; it should only get no gradient.

https://github.com/pytorch/pytorch/issues/53368
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "text.embedding_padding_idx"
OPTIONS: dict[str, object] = {"framework": "torch"}


def mended(k: Tensor, P: Tensor, *, padding_idx: int) -> Tensor:
    return torch.where((k < 0).unsqueeze(-1), 0, P[k.clamp(min=0)])


def faulty(k: Tensor, P: Tensor, *, padding_idx: int) -> Tensor:
    return torch.where((k == padding_idx).unsqueeze(-1), 0, mended(k, P, padding_idx=padding_idx))
