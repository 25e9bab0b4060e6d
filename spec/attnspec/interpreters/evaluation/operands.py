"""How far the operands of the functions of an equation go, also in the equations that it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.evaluation.call import bind, fit
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.language.tree import Definition

FUNCTIONS = {"sigmoid": "σ", "tanh": "tanh", "exp": "exp", "log": "log", "silu": "silu", "gelu": "gelu"}
"""{function: how it is written}."""


class _Watching(ValueOf):
    """Keeps the smallest and the largest operand of each function while it evaluates an equation."""

    def __init__(self) -> None:
        super().__init__(np)
        self.ends: dict[str, list[float]] = {}

    def apply(self, op: str, *operands: Any) -> Any:
        if op in FUNCTIONS and np.size(operands[0]):
            self.ends.setdefault(op, []).extend((float(np.min(operands[0])), float(np.max(operands[0]))))
        return super().apply(op, *operands)


def ends_of_operands(definition: Definition, arguments: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The smallest and the largest operands of each function in words, on NumPy arrays."""
    arrays, options = bind(definition, (), arguments)
    sizes, batch = fit(definition, {name: array.shape for name, array in arrays.items()}, options)
    watching = _Watching()
    with np.errstate(all="ignore"):
        watching.run(definition, arrays, options, sizes, batch)
    return {f"what {FUNCTIONS[op]} is taken of": np.array(ends) for op, ends in watching.ends.items()}
