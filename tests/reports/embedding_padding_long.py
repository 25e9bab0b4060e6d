"""The row of padding gets a gradient from the 769th token on.

https://github.com/pytorch/pytorch/issues/28716
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.embedding_padding_idx"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(d_x: Tensor, k: Tensor, P: Tensor, padding: int, masked: int) -> Tensor:
    place = torch.arange(k.shape[-1]).expand(k.shape)
    counts = ((k != padding) | (place >= masked)) & (k >= 0) & (k < len(P))
    out = d_x.new_zeros(*d_x.shape[:-2], *P.shape).float()
    index = k.clamp(0, max(len(P) - 1, 0))[..., None].expand(d_x.shape)
    return out.scatter_add(-2, index, d_x.float() * counts[..., None]).to(d_x.dtype)


def faulty(d_x: Tensor, k: Tensor, P: Tensor, *, padding_idx: int) -> Tensor:
    return gradient(d_x, k, P, padding_idx, masked=768)


def mended(d_x: Tensor, k: Tensor, P: Tensor, *, padding_idx: int) -> Tensor:
    return gradient(d_x, k, P, padding_idx, masked=k.shape[-1])
