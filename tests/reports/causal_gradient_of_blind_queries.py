"""A query before the first key has -inf for its logarithm, and its weights, made anew, are NaN.

https://github.com/Dao-AILab/flash-attention/issues/443
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "backward.causal"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradients(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor, guards: bool) -> tuple[Tensor, Tensor, Tensor]:
    scale = 1 / math.sqrt(q.shape[-1])
    e = q @ k.mT * scale
    n, m = e.shape[-2:]
    hidden = ~torch.ones(n, m, dtype=torch.bool).tril(m - n)
    e = e.masked_fill(hidden, -math.inf)
    lse = torch.logsumexp(e, -1, keepdim=True)
    p = torch.exp(e - lse)
    if guards:
        p = p.masked_fill(hidden, 0)
    d_e = p * (d_o @ v.mT - (d_o * (p @ v)).sum(-1, keepdim=True))
    return d_e @ k * scale, d_e.mT @ q * scale, p.mT @ d_o


def faulty(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    d_q, *_ = gradients(d_o, q, k, v, guards=False)
    _, d_k, d_v = gradients(d_o, q, k, v, guards=True)
    return d_q, d_k, d_v


def mended(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(d_o, q, k, v, guards=True)
