"""The residual connection of a layer with the norm first adds what was normalised, not what came in.

https://github.com/pytorch/pytorch/issues/61165
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # its usual name

EQUATION = "transformer.encoder_layer_biased_pre"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attention(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    mask: Tensor, heads: int,
) -> Tensor:  # fmt: skip
    def split(y: Tensor) -> Tensor:
        return y.reshape(*y.shape[:-1], heads, y.shape[-1] // heads).transpose(-2, -3)

    q, k, v = split(x @ W_q + b_q), split(x @ W_k + b_k), split(x @ W_v + b_v)
    e = q @ k.mT / q.shape[-1] ** 0.5
    seen = mask[..., None, None, :].expand(e.shape)
    alpha = torch.softmax(e.masked_fill(~seen, float("-inf")), -1)
    alpha = torch.where(seen.any(-1, keepdim=True), alpha, torch.zeros_like(alpha))
    return (alpha @ v).transpose(-2, -3).flatten(-2) @ W_o + b_o


def faulty(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    x = F.layer_norm(x, x.shape[-1:], gamma_1, beta_1, eps)
    x = x + attention(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads)
    x = F.layer_norm(x, x.shape[-1:], gamma_2, beta_2, eps)
    return x + torch.relu(x @ W_1 + b_1) @ W_2 + b_2


def mended(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    n = F.layer_norm(x, x.shape[-1:], gamma_1, beta_1, eps)
    x = x + attention(n, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads)
    n = F.layer_norm(x, x.shape[-1:], gamma_2, beta_2, eps)
    return x + torch.relu(n @ W_1 + b_1) @ W_2 + b_2
