"""Where the last visible key ends a page of 16, a page behind it is read too.

https://github.com/pegainfer-project/pegainfer/issues/291
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "attention.padded"
OPTIONS: dict[str, object] = {"framework": "torch"}


PAGE = 16


def attention(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    e = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen.unsqueeze(-2), float("-inf"))
    values = v.masked_fill(~seen.unsqueeze(-1), 0)
    return torch.nan_to_num(torch.softmax(e, -1)) @ values if seen.shape[-1] else e @ values


def faulty(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    place = torch.arange(mask.shape[-1])
    end = torch.where(mask, place + 1, 0).cummax(-1).values[..., -1:]
    page = (end > 0) & (end % PAGE == 0) & (place >= end) & (place < end + PAGE)
    return attention(q, k, v, mask | page)


def mended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return attention(q, k, v, mask)
