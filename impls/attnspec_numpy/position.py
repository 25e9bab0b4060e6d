"""Positions, and how a row is told its own."""

from __future__ import annotations

from attnspec import implements
from attnspec_numpy._functions import DEVICES, DTYPES, Array


@implements("position.add", framework="numpy", dtypes=DTYPES, devices=DEVICES)
def add(a: Array, e: Array) -> Array:
    """One sum."""
    return a + e
