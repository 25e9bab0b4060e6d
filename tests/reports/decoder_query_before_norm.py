"""The cross-attention is asked by what self-attention gives, before the residual and the norm.

https://github.com/ml-explore/mlx/pull/3382
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

EQUATION = "transformer.decoder_layer_biased"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attend(x: Tensor, z: Tensor, w: tuple[Tensor, ...], heads: int, sees: Tensor) -> Tensor:
    """Multi-head attention; sees is true where a query may look."""
    W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o = w
    q, k, v = (
        y.reshape(*y.shape[:-1], heads, y.shape[-1] // heads).transpose(-2, -3)
        for y in (x @ W_q + b_q, z @ W_k + b_k, z @ W_v + b_v)
    )
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~sees.unsqueeze(-3), -math.inf)
    return (torch.nan_to_num(torch.softmax(e, -1)) @ v).transpose(-2, -3).flatten(-2) @ W_o + b_o


def layer(x: Tensor, z: Tensor, w: tuple[Tensor, ...], mask: Tensor, heads: int, eps: float, right: bool) -> Tensor:
    n, m, c = x.shape[-2], z.shape[-2], (x.shape[-1],)
    before = torch.ones(n, n, dtype=torch.bool).tril()
    sees = mask.unsqueeze(-2).expand(*mask.shape[:-1], n, m)
    source = z.masked_fill(~mask.unsqueeze(-1), 0)
    s = attend(x, x, w[:8], heads, before)
    y = F.layer_norm(x + s, c, w[8], w[9], eps)
    u = F.layer_norm(y + attend(y if right else s, source, w[10:18], heads, sees), c, w[18], w[19], eps)
    return F.layer_norm(u + torch.relu(u @ w[20] + w[21]) @ w[22] + w[23], c, w[24], w[25], eps)


def faulty(x: Tensor, z: Tensor, *w: Tensor, mask: Tensor, heads: int, eps: float) -> Tensor:
    return layer(x, z, w, mask, heads, eps, right=False)


def mended(x: Tensor, z: Tensor, *w: Tensor, mask: Tensor, heads: int, eps: float) -> Tensor:
    return layer(x, z, w, mask, heads, eps, right=True)
