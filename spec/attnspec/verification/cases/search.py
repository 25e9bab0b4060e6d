"""Random cases beyond the fixed suite: what they are drawn from, and how a drawn case is varied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from attnspec.implementation import Claim
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.verification.cases.case import CONTIGUOUS, FEW, LAYOUTS, Description, sized, within
from attnspec.verification.cases.distributions import HIDDEN, REGIMES, leading, regime_applies

SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17)
"""Small sizes, and those around powers of two."""

FEW_SIZES = (1, 2, 3)
"""The sizes of what there is never much of."""

SEEDS = (10_000, 2**32)
"""The first and the last seed that is drawn; the fixed suite has smaller ones."""


@dataclass(frozen=True)
class Menu:
    """What the description of a random case is drawn from.

    Attributes:
        equation: the equation.
        sizes: {name: the sizes that it may have}.
        regimes, batches, layouts: those that are claimed.
    """

    equation: Equation[..., Any]
    sizes: Mapping[str, Sequence[int]]
    regimes: Sequence[str]
    batches: Sequence[tuple[int, ...]]
    layouts: Sequence[str]

    def draw(self, random: Random) -> Description:
        """Draw a description."""
        sizes = {name: random.choice(choices) for name, choices in self.sizes.items()}
        return Description(
            tuple(sized(self.equation.definition, sizes).items()),
            regime=random.choice(self.regimes),
            batch=random.choice(self.batches),
            layout=random.choice(self.layouts),
            seed=random.randint(*SEEDS),
        )

    def vary(self, description: Description, random: Random) -> Description:
        """Draw one part of a description anew: its sizes, regime, batch axes, layout or seed."""
        part = random.choice(("sizes", "regime", "batch", "layout", "seed"))
        changed: dict[str, Any] = {part: getattr(self.draw(random), part)}
        return replace(description, **changed)


def menu(
    equation: Equation[..., Any], least: Callable[[str], int], claim: Claim, layouts: Sequence[str] = LAYOUTS
) -> Menu:
    """What cases of an equation are drawn from, within a claim.

    Args:
        equation: the equation.
        least: returns the smallest size of a named axis, and of "batch".
        claim: the claim.
        layouts: the layouts in memory that the framework of the candidate has.
    """
    names = sizes_of(equation.definition)
    found = layers.of(equation.definition)
    names += layers.below_top(found[1], max(FEW_SIZES)) if found is not None else []

    def sizes(name: str) -> list[int]:
        usual = FEW_SIZES if equation.definition.role(name) in FEW else SIZES
        return sorted({max(within(equation, name, size), least(name)) for size in usual})

    return Menu(
        equation,
        {name: sizes(name) for name in names},
        regimes(equation, claim.finite),
        [batch for axes in sorted({*claim.batch}) for batch in _batches(axes, least("batch"))],
        [layout for layout in layouts if layout in CONTIGUOUS or not claim.contiguous],
    )


def regimes(equation: Equation[..., Any], finite: bool) -> list[str]:
    """The regimes that apply to an equation, within finite inputs or beyond."""
    applicable = [name for name in REGIMES if name == "ordinary" or regime_applies(equation, name)]
    return [name for name in applicable if not (finite and name == HIDDEN)]


def _batches(axes: int, least: int) -> list[tuple[int, ...]]:
    """The sizes of batch axes that are drawn; of several axes, distinct ones and equal ones."""
    usual = leading(axes)
    drawn = {0: ((),), 1: ((1,), (2,), (4,))}.get(axes, (usual, usual[::-1], (2,) * axes))
    return [tuple(max(size, least) for size in batch) for batch in drawn]
