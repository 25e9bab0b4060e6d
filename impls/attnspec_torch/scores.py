"""Scores: how much query i and key j have to do with each other, additive and by products."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attnspec import implements
from attnspec_torch._functions import DTYPES


@implements("scores.additive", framework="torch", dtypes=DTYPES)
def additive(s: Tensor, h: Tensor, W: Tensor, U: Tensor, v_a: Tensor) -> Tensor:
    """Both projections once; their sums for every pair are held at once, n · m · a numbers."""
    return torch.tanh((s @ W).unsqueeze(-2) + (h @ U).unsqueeze(-3)) @ v_a


@implements("scores.dot", framework="torch", dtypes=DTYPES)
def dot(q: Tensor, k: Tensor) -> Tensor:
    """One product."""
    return q @ k.mT


@implements("scores.scaled_dot", framework="torch", dtypes=DTYPES)
def scaled_dot(q: Tensor, k: Tensor) -> Tensor:
    """One product, then the scale."""
    return q @ k.mT / math.sqrt(k.shape[-1])


@implements("scores.bilinear", framework="torch", dtypes=DTYPES)
def bilinear(q: Tensor, k: Tensor, W: Tensor) -> Tensor:
    """The queries are mapped to the keys' width."""
    return q @ W @ k.mT


@implements("scores.linear", framework="torch", dtypes=DTYPES)
def linear(s: Tensor, h: Tensor, W_q: Tensor, W_k: Tensor) -> Tensor:
    """Each side once through its matrix, then one product."""
    return (s @ W_q) @ (h @ W_k).mT


@implements("scores.nonlinear", framework="torch", dtypes=DTYPES)
def nonlinear(s: Tensor, h: Tensor, W_q: Tensor, W_k: Tensor, b_q: Tensor, b_k: Tensor) -> Tensor:
    """Each side once through its layer, then one product."""
    return torch.tanh(s @ W_q + b_q) @ torch.tanh(h @ W_k + b_k).mT
