"""Two answers in balls: whether they can be the same numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from attnspec.interpreters.balls.ball import Ball, number


@dataclass(frozen=True)
class Separation:
    """An element of which two balls are disjoint.

    Attributes:
        output: the place of the output among the results.
        index: the index of the element.
        expected: the number of the equation, to 17 digits.
        got: that of the candidate.
        distance: a lower bound of their distance.
    """

    output: int
    index: tuple[int, ...]
    expected: float
    got: float
    distance: float


@dataclass(frozen=True)
class Comparison:
    """The comparison of two answers.

    Attributes:
        elements: how many elements there are.
        undecided: of how many no digit is known, or one is infinite or NaN.
        separated: the elements whose balls are disjoint, the largest distance first.
        digits: to how many decimal digits the others agree, relative to the largest of the output; infinite if all are
            equal exactly.
    """

    elements: int
    undecided: int
    separated: tuple[Separation, ...]
    digits: float


def compare(expected: tuple[Any, ...], got: tuple[Any, ...], floor: float) -> Comparison:
    """Compare an equation's values in balls with those of a candidate.

    Args:
        expected: an array for each output.
        got: the same of the candidate.
        floor: a distance that is 0 in the format of the candidate.
    """
    elements = undecided = 0
    separated: list[Separation] = []
    digits = math.inf
    for place, (right, found) in enumerate(zip(expected, got, strict=True)):
        pairs = [(index, number(a), number(b)) for index, a, b in _elements(right, found)]
        known = [pair for pair in pairs if isinstance(pair[1].value, arb) and isinstance(pair[2].value, arb)]
        equal = sum(_same_infinity(a, b) for _, a, b in pairs)
        elements += len(pairs)
        undecided += len(pairs) - len(known) - equal
        scale = max((abs(a.value).upper() for _, a, _ in known), default=arb(0))
        scale = max(scale, arb(floor))  # where all are 0, the balls' own radii are no scale
        for index, a, b in known:
            distance = abs(a.value - b.value)
            least = float(distance.abs_lower())
            if least > floor:
                separated.append(Separation(place, index, float(a.value), float(b.value), least))
            elif (shared := _digits(distance, scale)) >= 1:
                digits = min(digits, shared)
            else:
                undecided += 1
    separated.sort(key=lambda each: -each.distance)
    return Comparison(elements, undecided, tuple(separated), digits)


def _elements(a: Any, b: Any) -> list[tuple[tuple[int, ...], Any, Any]]:
    first, second = np.asarray(a), np.asarray(b)
    return [(index, first[index], second[index]) for index in np.ndindex(first.shape)]


def _same_infinity(a: Ball, b: Ball) -> bool:
    """Whether both are the same infinity, or both NaN."""
    x, y = a.value, b.value
    return isinstance(x, float) and isinstance(y, float) and (x == y or (math.isnan(x) and math.isnan(y)))


def _digits(distance: arb, scale: arb) -> float:
    """How many digits of the largest number two numbers share at least."""
    most = distance.abs_upper()
    if most.is_zero():
        return math.inf
    ratio = most / scale if scale > 0 else most
    return max(0.0, -float((ratio.log() / arb(10).log()).upper()))
