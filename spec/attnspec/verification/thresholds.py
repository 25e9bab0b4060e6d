"""Numbers that can change a verdict."""

from __future__ import annotations

ROUNDS = 3
"""How often more cases are drawn for mutants that the cases so far could not have caught."""

OFTEN = 300
"""Calls in a row, after which the answer must still be the same."""

ENOUGH = 0.9
"""Below this share of mutants caught, a pass says too little to be called one."""
