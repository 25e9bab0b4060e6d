"""What lines, and what functions are taken of, have in common in the cases that fail, and in no case that is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import comb

import numpy as np

from attnspec.interpreters.evaluation.call import values_of_lines
from attnspec.interpreters.evaluation.operands import WatchingOperands
from attnspec.interpreters.formula.formula import text_of
from attnspec.language.tree import Definition, Name
from attnspec.thresholds import BY_CHANCE, WIDE_ELEMENTS
from attnspec.verification.candidate.observation import Array
from attnspec.verification.cases.case import Case

Values = Mapping[str, Array]

SPECIAL: dict[str, Callable[[Array], bool]] = {
    "0": lambda values: bool((values == 0).any()),
    "infinite or NaN": lambda values: not np.isfinite(values).all(),
}
"""What a value of a line may be, and whether one of many is."""

EXTREMES = {1: "reaches {:.3g}, and never up to {:.3g}", -1: "falls to {:.3g}, and never down to {:.3g}"}
"""How far the values of a line go up and down."""


def line_conditions(definition: Definition, failing: Sequence[Case], passing: Sequence[Case]) -> list[str]:
    """The first line with a 0, an infinite value, or one beyond some number, in each case that fails and in no other.

    What functions are taken of comes before the lines, which follow from it. Very large cases that are right are left
    out. Where very large cases fail, nothing is found. That values go beyond what they do elsewhere is said only if the
    cases that fail would rarely be those with the largest values by chance.
    """
    if not failing or any(case.elements >= WIDE_ELEMENTS for case in failing):
        return []
    wrong, right = (
        [_values(definition, case) for case in cases if case.elements < WIDE_ELEMENTS] for cases in (failing, passing)
    )
    names = [name for name in wrong[0] if all(name in values and values[name].size for values in wrong)]
    found = [*_special(names, wrong, right), *_extreme(names, wrong, right)]
    return [f"only where {name} {says}" for name, says in found[:1]]


def _values(definition: Definition, case: Case) -> Values:
    """The operands of functions and the values of lines, by what they are called in a sentence."""
    watching = WatchingOperands()
    lines = values_of_lines(definition, case.arguments, watching)
    return {**watching.ends, **{text_of(Name(name), definition): values for name, values in lines.items()}}


def _special(names: Sequence[str], wrong: Sequence[Values], right: Sequence[Values]) -> list[tuple[str, str]]:
    """Lines with a special value in each case that fails alone."""
    return [
        (name, f"is {word}")
        for word, holds in SPECIAL.items()
        for name in names
        if all(holds(values[name]) for values in wrong)
        and not any(holds(values[name]) for values in right if name in values)
    ]


def _extreme(names: Sequence[str], wrong: Sequence[Values], right: Sequence[Values]) -> list[tuple[str, str]]:
    """Lines that go further in each case that fails than in any other."""
    tried = len(EXTREMES) * len(names)
    if tried > BY_CHANCE * comb(len(wrong) + len(right), len(wrong)):
        return []
    found = []
    for sign, says in EXTREMES.items():
        for name in names:
            with np.errstate(invalid="ignore"):
                far, near = (
                    [float(np.max(sign * values[name])) for values in cases if name in values and values[name].size]
                    for cases in (wrong, right)
                )
            if min(far) > max(near, default=-np.inf):
                found.append((name, says.format(sign * min(far), sign * max(near))))
    return found
