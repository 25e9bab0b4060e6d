"""Layers with the norm in front have none behind the last of them.

https://github.com/NVIDIA-NeMo/Speech/pull/2197
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.encoder_biased_pre"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], gamma, beta, eps)


def attention(x: Tensor, w: tuple[Tensor, ...], mask: Tensor, heads: int) -> Tensor:
    W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o = w
    q, k, v = (
        (x @ W + b).reshape(*x.shape[:-1], heads, W.shape[-1] // heads).transpose(-2, -3)
        for W, b in ((W_q, b_q), (W_k, b_k), (W_v, b_v))
    )
    seen = mask[..., None, None, :]
    p = torch.softmax((q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf")), -1)
    p = torch.where(seen.any(-1, keepdim=True), p, torch.zeros_like(p))
    return (p @ v).transpose(-2, -3).flatten(-2) @ W_o + b_o


def layers(x: Tensor, w: tuple[Tensor, ...], mask: Tensor, heads: int, eps: float) -> Tensor:
    for layer in zip(*w, strict=True):
        gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2 = layer[8:]
        x = x + attention(norm(x, gamma_1, beta_1, eps), layer[:8], mask, heads)
        x = x + torch.relu(norm(x, gamma_2, beta_2, eps) @ W_1 + b_1) @ W_2 + b_2
    return x


def faulty(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, gamma: Tensor, beta: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    w = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2)
    return layers(x, w, mask, heads, eps)


def mended(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, b_q: Tensor, b_k: Tensor, b_v: Tensor, b_o: Tensor,
    gamma_1: Tensor, beta_1: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor,
    gamma_2: Tensor, beta_2: Tensor, gamma: Tensor, beta: Tensor, mask: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    w = (W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2)
    return norm(layers(x, w, mask, heads, eps), gamma, beta, eps)
