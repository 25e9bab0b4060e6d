"""The candidates of this folder: what each tries, and whether a verdict is to see through it."""

from __future__ import annotations

from pathlib import Path

from planted.authored import Authored, authored

HERE = Path(__file__).parent
WITHIN, BEYOND = "Within", "Beyond"
"""A verdict must see through it; it is said to be beyond reach."""


def hostile() -> list[Authored]:
    """All candidates, in the order of the files."""
    return authored(HERE, WITHIN, BEYOND)
