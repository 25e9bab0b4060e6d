"""Attention in PyTorch: right in several forms, wrong by little, and such that nobody can trace it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from attnspec import implements


@implements("attention.scaled_dot_product", framework="torch")
def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v)


@implements("attention.scaled_dot_product", framework="torch")
def right_constant_in_dtype(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scale = torch.tensor(1 / math.sqrt(q.shape[-1]), dtype=q.dtype)
    return torch.softmax(q @ k.mT * scale, -1) @ v


@implements("attention.scaled_dot_product", framework="torch")
def right_in_place(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The scores are written row by row, and made weights where they are."""
    e = torch.empty(*q.shape[:-1], k.shape[-2], dtype=q.dtype)
    for i in range(q.shape[-2]):
        e[..., i, :] = (q[..., i : i + 1, :] * k).sum(-1)
    e.div_(math.sqrt(q.shape[-1]))
    e -= e.amax(-1, keepdim=True)
    e.exp_()
    e /= e.sum(-1, keepdim=True)
    return e @ v


@implements("attention.scaled_dot_product", framework="torch")
def right_after_a_look(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """It looks at the largest number first, which decides how it computes, not what."""
    scale = 1 / math.sqrt(q.shape[-1])
    if q.abs().max().item() > 1e4:
        return torch.softmax((q * scale) @ k.mT, -1) @ v
    return torch.softmax(q @ k.mT * scale, -1) @ v


@implements("attention.scaled_dot_product", framework="torch")
def wrong_scale(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v, scale=1 / math.sqrt(q.shape[-1] + 1))


@implements("attention.scaled_dot_product", framework="torch")
def wrong_a_trillionth(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(q, k, v) * (1 + 1e-12)


@implements("attention.scaled_dot_product", framework="torch")
def wrong_by_little(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return scaled_dot_product_attention(q.float(), k.float(), v.float() * 1.00025).to(q.dtype)


@implements("attention.scaled_dot_product", framework="torch")
def opaque_numpy(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(torch.from_numpy(q.double().numpy() / 3).to(q.dtype) * 3, k, v)


@implements("attention.scaled_dot_product", framework="torch")
def opaque_draws(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    noise = torch.rand(())
    return right(q + noise - noise, k, v)


@implements("attention.masked", framework="torch")
def right_nan_to_num(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    e = (q @ k.mT * q.shape[-1] ** -0.5).masked_fill(~mask, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1), nan=0.0, posinf=0.0, neginf=0.0) @ v
