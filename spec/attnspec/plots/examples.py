"""Drawn inputs that are large enough to be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.verification.cases.case import Case, Description, make

SIZES = {
    "steps": 24, "queries": 10, "keys": 12, "words": 10, "heads": 2, "few queries": 2, "layers": 1, "stacked layers": 2,
    "block": 4, "most steps": 12, "head width": 8, "width": 8,
}  # fmt: skip
"""{role of a size: its value in a picture}."""


def drawn(equation: Equation[..., Any], sizes: Mapping[str, int], seed: int = 0) -> Case:
    """A drawn example of an equation.

    Args:
        equation: the equation.
        sizes: {named size: its value}; the others are usual ones.
        seed: the random seed.
    """
    definition = equation.definition
    usual = {name: SIZES.get(definition.role(name), SIZES["width"]) for name in sizes_of(definition)}
    return make(equation, Description(tuple({**usual, **sizes}.items()), seed=seed), "float64")
