"""The naive forms, as peers of the benchmarks: one line for each line of the equation, and all scores in memory."""

from __future__ import annotations

import math

import numpy as np
import torch

from attnspec import implements
from attnspec_numpy._functions import Array


@implements("attention.scaled_dot_product", framework="numpy", dtypes=("float64", "float32"))
def numpy_attention(q: Array, k: Array, v: Array) -> Array:
    """Three arrays of the size n × m."""
    e = q @ k.swapaxes(-1, -2) / q.dtype.type(math.sqrt(k.shape[-1]))
    p = np.exp(e - e.max(axis=-1, keepdims=True))
    return np.asarray(p / p.sum(axis=-1, keepdims=True) @ v)


@implements("attention.scaled_dot_product", framework="torch", dtypes=("float64", "float32"))
def torch_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """PyTorch's operators one by one, not its fused one."""
    return torch.softmax(q @ k.mT / math.sqrt(k.shape[-1]), dim=-1) @ v


@implements("attention.additive", framework="torch", dtypes=("float64", "float32"))
def torch_additive(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, W: torch.Tensor, U: torch.Tensor, v_a: torch.Tensor
) -> torch.Tensor:
    """The hidden layer of all pairs is held: n × m × a numbers."""
    hidden = torch.tanh((q @ W)[..., :, None, :] + (k @ U)[..., None, :, :])
    return torch.softmax(hidden @ v_a, dim=-1) @ v


@implements("recurrent.gru", framework="numpy", dtypes=("float64", "float32"))
def numpy_gru(
    x: Array,
    h_0: Array,
    W_xr: Array,
    W_hr: Array,
    b_r: Array,
    W_xz: Array,
    W_hz: Array,
    b_z: Array,
    W_xh: Array,
    W_hh: Array,
    b_h: Array,
) -> Array:
    """Step by step and gate by gate, as the equation is written."""
    h, states = h_0, np.empty((*x.shape[:-1], h_0.shape[-1]), x.dtype)
    for t in range(x.shape[-2]):
        r = 1 / (1 + np.exp(-(x[..., t, :] @ W_xr + h @ W_hr + b_r)))
        z = 1 / (1 + np.exp(-(x[..., t, :] @ W_xz + h @ W_hz + b_z)))
        h = z * h + (1 - z) * np.tanh(x[..., t, :] @ W_xh + (r * h) @ W_hh + b_h)
        states[..., t, :] = h
    return states
