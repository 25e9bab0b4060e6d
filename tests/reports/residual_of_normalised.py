"""What attention makes is added to the normalised input, and not to the input itself.

https://github.com/Howuhh/faster-trajectory-transformer/issues/3
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "transformer.encoder_layer_pre"
OPTIONS: dict[str, object] = {"framework": "torch"}


def norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], gamma, beta, eps)


def attention(x_q: Tensor, x_kv: Tensor, W: tuple[Tensor, ...], heads: int) -> Tensor:
    q, k, v = (
        (x @ w).reshape(*x.shape[:-1], heads, w.shape[-1] // heads).transpose(-2, -3)
        for x, w in zip((x_q, x_kv, x_kv), W, strict=False)
    )
    alpha = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1)
    c: Tensor = (alpha @ v).transpose(-2, -3).flatten(-2)
    return c @ W[3]


def network(x: Tensor, W: tuple[Tensor, ...]) -> Tensor:
    W_1, b_1, W_2, b_2 = W
    return torch.relu(x @ W_1 + b_1) @ W_2 + b_2


def faulty(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_2: Tensor, beta_2: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    x = norm(x, gamma_1, beta_1, eps)
    x = x + attention(x, x, (W_q, W_k, W_v, W_o), heads)
    return x + network(norm(x, gamma_2, beta_2, eps), (W_1, b_1, W_2, b_2))


def mended(
    x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, gamma_1: Tensor, beta_1: Tensor,
    W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor, gamma_2: Tensor, beta_2: Tensor, *, heads: int, eps: float,
) -> Tensor:  # fmt: skip
    y = norm(x, gamma_1, beta_1, eps)
    x = x + attention(y, y, (W_q, W_k, W_v, W_o), heads)
    return x + network(norm(x, gamma_2, beta_2, eps), (W_1, b_1, W_2, b_2))
