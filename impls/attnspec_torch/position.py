"""Positions, and how a row is told its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attnspec import implements
from attnspec_torch._functions import DTYPES


@implements("position.add", framework="torch", dtypes=DTYPES)
def add(a: Tensor, e: Tensor) -> Tensor:
    """One sum."""
    return a + e


@implements("position.learned", framework="torch", dtypes=DTYPES)
def learned(a: Tensor, P: Tensor) -> Tensor:
    """The first rows of the table, as many as there are inputs."""
    return a + P[: a.shape[-2]]


@implements("position.sinusoidal", framework="torch", dtypes=DTYPES)
def sinusoidal(*, t: int, d: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Each angle's sine and cosine side by side."""
    angle = _angles(t, (d + 1) // 2, 2 / d, dtype)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d].to(dtype)


@implements("position.sinusoidal_halves", framework="torch", dtypes=DTYPES)
def sinusoidal_halves(*, t: int, d: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Sines beside cosines."""
    angle = _angles(t, (d + 1) // 2, 2 / d, dtype)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[:, :d].to(dtype)


@implements("position.sinusoidal_tensor2tensor", framework="torch", dtypes=DTYPES)
def sinusoidal_tensor2tensor(*, t: int, d: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Sines beside cosines, and a column of zeros where d is odd."""
    angle = _angles(t, d // 2, 1 / max(d // 2 - 1, 1), dtype)
    return torch.nn.functional.pad(torch.cat([angle.sin(), angle.cos()], dim=-1), (0, d % 2)).to(dtype)


def _angles(t: int, waves: int, step: float, dtype: torch.dtype) -> Tensor:
    """Positions times frequencies, in float32 at least: in half precision a position of 300 is not a whole number."""
    wide = torch.promote_types(dtype, torch.float32)
    frequency = torch.exp(torch.arange(waves, dtype=wide) * (-step * math.log(10000.0)))
    return torch.outer(torch.arange(t, dtype=wide), frequency)
