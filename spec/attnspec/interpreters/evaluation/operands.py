"""How far the operands of the functions of an equation go, also in the equations that it calls."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.evaluation.value import ValueOf

FUNCTIONS = {"sigmoid": "σ", "tanh": "tanh", "exp": "exp", "log": "log", "silu": "silu", "gelu": "gelu"}
"""{function: how it is written}."""


class WatchingOperands(ValueOf):
    """Keeps the smallest and the largest operand of each function while it evaluates an equation on NumPy arrays."""

    def __init__(self) -> None:
        super().__init__(np)
        self._ends: dict[str, list[float]] = {}

    def apply(self, op: str, *operands: Any) -> Any:
        if op in FUNCTIONS and np.size(operands[0]):
            self._ends.setdefault(op, []).extend((float(np.min(operands[0])), float(np.max(operands[0]))))
        return super().apply(op, *operands)

    @property
    def ends(self) -> dict[str, NDArray[Any]]:
        """The smallest and the largest operands of each function so far, by what they are called in a sentence."""
        return {f"what {FUNCTIONS[op]} is taken of": np.array(ends) for op, ends in self._ends.items()}
