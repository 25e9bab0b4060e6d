"""The vectors of positions are added along the batch: every token of an example gets that of its example.

https://github.com/cmu-l3/anlp-fall2025-code/issues/1
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.embed"
OPTIONS: dict[str, object] = {"framework": "torch"}


def table(t: int, c: int) -> Tensor:
    column = torch.arange(c, dtype=torch.float64)
    angle = torch.arange(t, dtype=torch.float64).unsqueeze(-1) / 10_000 ** (2 * (column // 2) / c)
    return torch.where(column % 2 == 0, angle.sin(), angle.cos())


def faulty(k: Tensor, P: Tensor) -> Tensor:
    e = table(k.shape[0], P.shape[-1])
    x = P[k].double()
    return (x + (e.unsqueeze(1) if k.ndim == 2 else e)).to(P.dtype)


def mended(k: Tensor, P: Tensor) -> Tensor:
    return (P[k].double() + table(k.shape[-1], P.shape[-1])).to(P.dtype)
