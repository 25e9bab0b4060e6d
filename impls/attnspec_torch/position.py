"""Positions, and how a row is told its own."""

from __future__ import annotations

from torch import Tensor

from attnspec import implements
from attnspec_torch._functions import DTYPES


@implements("position.add", framework="torch", dtypes=DTYPES)
def add(a: Tensor, e: Tensor) -> Tensor:
    """One sum."""
    return a + e
