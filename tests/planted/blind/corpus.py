"""The candidates of this folder: which are right, and what is wrong with the others in their author's words."""

from __future__ import annotations

from pathlib import Path

from planted.authored import Authored, authored

HERE = Path(__file__).parent
RIGHT, WRONG = "Right", "Wrong"


def planted() -> list[Authored]:
    """All candidates, in the order of the files."""
    return authored(HERE, RIGHT, WRONG)
