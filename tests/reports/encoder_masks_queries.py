"""The mask of padding is broadcast along the keys, so that it masks all of a query that is padding, and no key.

https://github.com/hyunwoongko/transformer/pull/40
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # its usual name

EQUATION = "transformer.encoder_layer_biased"
OPTIONS: dict[str, object] = {"framework": "torch"}


def attention(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    mask: Tensor, heads: int, of_queries: bool,
) -> Tensor:  # fmt: skip
    def split(y: Tensor) -> Tensor:
        return y.reshape(*y.shape[:-1], heads, y.shape[-1] // heads).transpose(-2, -3)

    q, k, v = split(x @ W_q + b_q), split(x @ W_k + b_k), split(x @ W_v + b_v)
    e = q @ k.mT / q.shape[-1] ** 0.5
    if of_queries:
        alpha = torch.softmax(e.masked_fill(~mask[..., None, :, None], -10000), -1)
    else:
        seen = mask[..., None, None, :].expand(e.shape)
        alpha = torch.softmax(e.masked_fill(~seen, float("-inf")), -1)
        alpha = torch.where(seen.any(-1, keepdim=True), alpha, torch.zeros_like(alpha))
    return (alpha @ v).transpose(-2, -3).flatten(-2) @ W_o + b_o


def layer(
    of_queries: bool,
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    a = attention(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads, of_queries)
    y = F.layer_norm(x + a, x.shape[-1:], gamma_1, beta_1, eps)
    return F.layer_norm(y + torch.relu(y @ W_1 + b_1) @ W_2 + b_2, x.shape[-1:], gamma_2, beta_2, eps)


def faulty(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    return layer(True, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o,
                 gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask, heads, eps)  # fmt: skip


def mended(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    return layer(False, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o,
                 gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask, heads, eps)  # fmt: skip
