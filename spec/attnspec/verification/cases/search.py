"""What Hypothesis draws beyond the fixed suite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from attnspec.implementation import Claim
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.verification.cases.case import CONTIGUOUS, FEW, LAYOUTS, Description, sized, within
from attnspec.verification.cases.distributions import HIDDEN, REGIMES, leading, regime_applies

FEW_MENU = (1, 2, 3)
"""How many there are drawn of what there are never many of."""


def regimes(equation: Equation[..., Any], finite: bool) -> list[str]:
    """The regimes that say something of an equation, within finite inputs or beyond."""
    asked = [name for name in REGIMES if name == "ordinary" or regime_applies(equation, name)]
    return [name for name in asked if not (finite and name == HIDDEN)]


def descriptions(
    equation: Equation[..., Any], least: Callable[[str], int], claim: Claim, layouts: Sequence[str] = LAYOUTS
) -> st.SearchStrategy[Description]:
    """What Hypothesis draws: sizes around powers of two and small ones, regimes, layouts, a seed."""
    names = sizes_of(equation.definition)
    found = layers.of(equation.definition)
    names += layers.below_top(found[1], max(FEW_MENU)) if found is not None else []

    def sizes(name: str) -> st.SearchStrategy[int]:
        menu = FEW_MENU if equation.definition.role(name) in FEW else (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17)
        return st.sampled_from(sorted({max(within(equation, name, size), least(name)) for size in menu}))

    batches = [batch for axes in sorted({*claim.batch}) for batch in _batches(axes, least("batch"))]
    return st.builds(
        Description,
        sizes=st.tuples(*(st.tuples(st.just(name), sizes(name)) for name in names)).map(
            lambda pairs: tuple(sized(equation.definition, dict(pairs)).items())
        ),
        regime=st.sampled_from(regimes(equation, claim.finite)),
        batch=st.sampled_from(batches),
        layout=st.sampled_from([each for each in layouts if each in CONTIGUOUS or not claim.contiguous]),
        seed=st.integers(10_000, 2**32),
    )


def _batches(axes: int, least: int) -> list[tuple[int, ...]]:
    """The sizes of batch axes that are drawn; of several axes, distinct ones and equal ones."""
    usual = leading(axes)
    drawn = {0: ((),), 1: ((1,), (2,), (4,))}.get(axes, (usual, usual[::-1], (2,) * axes))
    return [tuple(max(size, least) for size in batch) for batch in drawn]
