"""Random cases beyond the fixed suite: what they are drawn from, and how a drawn case is varied."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from attnspec.implementation import Claim
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.verification.cases.case import CONTIGUOUS, FEW, LAYOUTS, Description, sized, within
from attnspec.verification.cases.distributions import (
    HIDDEN,
    REGIMES,
    UNBOUNDED,
    distribution_of,
    leading,
    regime_applies,
)
from attnspec.verification.cases.work import work

SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17)
"""Small sizes, and those around powers of two."""

FEW_SIZES = (1, 2, 3)
"""The sizes of what there is never much of."""

MOST_WORK = 1_000_000
"""Convention: the largest work of a case of a long search, some tenths of a second."""

LARGEST = 1_000
"""Convention: the largest size that is drawn in a long search; variation may double it."""

SAFE_PATTERNS = ("zero", "constant rows", "one-hot", "equal rows", "ties")
"""Patterns that make no number larger."""

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

    def draw_widely(self, random: Random) -> Description:
        """Draw a description whose sizes are of any magnitude, within `MOST_WORK`."""
        drawn = self.draw(random)
        for name in self.sizes:
            drawn = self._with_size(drawn, name, self._any_size(random), random)
        return drawn

    def vary_widely(self, description: Description, random: Random) -> Description:
        """Change one part of a description beyond the menu: a size, within `MOST_WORK`, or an argument's pattern."""
        part = random.choice(("size", "pattern", "any"))
        if part == "any":
            return self.vary(description, random)
        if part == "pattern":
            return self._with_pattern(description, random)
        name = random.choice([*self.sizes])
        size = dict(description.sizes)[name]
        sizes = (size - 1, size + 1, 2 * size, size // 2, self._any_size(random))
        return self._with_size(description, name, random.choice(sizes), random)

    def _any_size(self, random: Random) -> int:
        """A size up to `LARGEST`, of each magnitude equally often."""
        return round(math.exp(random.uniform(0.0, math.log(LARGEST))))

    def _with_size(self, description: Description, name: str, size: int, random: Random) -> Description:
        """Give one axis another size, or one of the menu if that were too much work."""
        small = random.choice(self.sizes[name])
        few = self.equation.definition.role(name) in FEW
        size = small if few else within(self.equation, name, max(size, min(self.sizes[name])))
        for each in (size, small, min(self.sizes[name])):
            sizes = sized(self.equation.definition, {**dict(description.sizes), name: each})
            if work(self.equation.definition, sizes) <= MOST_WORK:
                break
        return replace(description, sizes=tuple(sizes.items()))

    def _with_pattern(self, description: Description, random: Random) -> Description:
        """Give one argument that is no weight a pattern, or none."""
        free = [
            parameter
            for parameter in self.equation.definition.parameters
            if not parameter.symbol.weight and parameter.kind == "float" and parameter.dims
            if distribution_of(self.equation, parameter.name) in UNBOUNDED
        ]
        if not free:
            return self.vary(description, random)
        name, pattern = random.choice(free).name, random.choice(("", *SAFE_PATTERNS))
        others = tuple(pair for pair in description.patterns if pair[0] != name)
        return replace(description, patterns=(*others, *([(name, pattern)] if pattern else [])))


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
