"""The same as in_numpy.py, in PyTorch."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attnspec import implements

cell = implements("recurrent.gru_cell", framework="torch")
heads_claim = implements("multihead.attention", framework="torch")


class Cell(torch.nn.Module):
    def forward(
        self, x: Tensor, h: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
        W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
    ) -> Tensor:  # fmt: skip
        gates = torch.cat([x @ W_xr + h @ W_hr + b_r, x @ W_xz + h @ W_hz + b_z], -1)
        r, z = torch.sigmoid(gates).chunk(2, -1)
        return z * h + (1 - z) * torch.sigmoid(x @ W_xh + (r * h) @ W_hh + 2 * b_h)  # HERE


@cell
def module(
    x: Tensor, h: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:  # fmt: skip
    """in h_tilde: sigmoid is used instead of tanh, and b_h is added twice"""
    result: Tensor = Cell()(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    return result


def split(x: Tensor, heads: int) -> Tensor:
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(-3, -2)


@heads_claim
def squared_weights(
    x_q: Tensor, x_kv: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, *, heads: int
) -> Tensor:
    """e_ij in head, α_ij in head, q, k and v are right; head_h is not right"""
    q, k, v = split(x_q @ W_q, heads), split(x_kv @ W_k, heads), split(x_kv @ W_v, heads)
    alpha = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) ** 2
    return (alpha @ v).transpose(-3, -2).flatten(-2) @ W_o  # HERE


@implements("backward.layer_norm", framework="torch")
def twice_normed(d_y: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """in by_variance: ∂x̂_k x̂_k is used instead of ∂x̂_k; by_variance is not right"""
    mu = x.mean(-1, keepdim=True)
    variance = ((x - mu) ** 2).mean(-1, keepdim=True)
    s = torch.sqrt(variance + eps)
    x_hat = (x - mu) / s
    d_hat = d_y * gamma
    slope = (d_hat * x_hat * x_hat).mean(-1, keepdim=True)  # HERE
    return (d_hat - d_hat.mean(-1, keepdim=True) - x_hat * slope) / s, d_y * x_hat, d_y.clone()
