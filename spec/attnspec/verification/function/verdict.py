"""The verdict on the function that a candidate computes, at a few points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from attnspec.interpreters.balls.arrays import from_limbs
from attnspec.interpreters.balls.ball import Undecided, working
from attnspec.interpreters.balls.value import value_in_balls
from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.language.equation import Equation
from attnspec.thresholds import FLOOR_EXPONENTS
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.work import work
from attnspec.verification.function.comparison import Comparison, Separation, compare
from attnspec.verification.verdict import Diagnosis, FunctionVerdict

POINTS, MOST_WORK, MOST_ELEMENTS = 6, 24_000, 1_500
"""At so many points at most, of so much work together, and of so many elements each. Time is not a limit, so that the
same question has the same answer on every machine."""


KEEPS_NUMBERS = ("it writes into an array of", "a number is converted to a Python float", "it has a table of constants")
"""How the reasons begin for which NumPy code is traced again, with balls in the arrays that it makes."""


@dataclass(frozen=True)
class Point:
    """A case on which a candidate was traced.

    Attributes:
        case: the case.
        got: the values of the candidate, an array of balls for each output.
        comparison: their comparison with those of the equation.
    """

    case: Case
    got: tuple[Any, ...]
    comparison: Comparison


@dataclass
class Evidence:
    """What the points show.

    Attributes:
        points: the points that were traced.
        reasons: why others were not.
    """

    points: list[Point] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def extend(self, other: Evidence) -> None:
        """Add what other points show."""
        self.points += other.points
        self.reasons += other.reasons

    @property
    def separated(self) -> list[Point]:
        """The points at which the functions are not the same, the largest distance first."""
        apart = [each for each in self.points if each.comparison.separated]
        return sorted(apart, key=lambda each: -each.comparison.separated[0].distance)


def points(candidate: Candidate, cases: Iterable[Case]) -> Iterator[Case]:
    """Small cases among those on which a candidate was called, with different sizes and kinds of values."""
    definition, seen, left = candidate.question.equation.definition, set[object](), MOST_WORK
    for case in cases:
        described = case.description
        if described is None or described.special or not case.finite or case.elements > MOST_ELEMENTS:
            continue
        key = (described.regime, described.sizes, len(described.batch))
        needed = work(definition, dict(described.sizes)) * max(prod(described.batch), 1)
        if case.layout == "contiguous" and key not in seen and needed <= left:
            seen.add(key)
            left -= needed
            yield case
            if len(seen) == POINTS:
                return


def small(candidate: Candidate, cases: Iterable[Case]) -> Iterator[Case]:
    """The first of the cases that are small enough to be traced, of so much work together."""
    definition, left = candidate.question.equation.definition, MOST_WORK
    for case in filter(lambda case: case.finite, cases):
        shape = batch_shape(definition, case.arrays)
        sizes, _ = fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
        left -= work(definition, sizes) * max(prod(shape), 1)
        if left < 0 or case.elements > MOST_ELEMENTS:
            return
        yield case


def gather(candidate: Candidate, cases: Iterable[Case], buffers: bool = False) -> Evidence:
    """Trace a candidate at some points, and compare it with the equation in balls.

    Args:
        buffers: whether arrays that NumPy makes hold balls too; what the code keeps of them is no number, so that its
            process ends afterwards.
    """
    try:
        return _gathered(candidate, cases, buffers)
    finally:
        if buffers:
            candidate.runner.close()


def _gathered(candidate: Candidate, cases: Iterable[Case], buffers: bool) -> Evidence:
    evidence = Evidence()
    definition, floor = candidate.question.equation.definition, 2.0 ** FLOOR_EXPONENTS[candidate.question.dtype]
    for case in cases:
        try:
            expected = value_in_balls(lift_over_batch(definition, case), case.arguments, rounded=True)
        except Undecided as reason:
            evidence.reasons.append(f"the equation makes {reason}")
            continue
        with working():
            got = candidate.in_balls(case, [each.shape for each in expected], buffers)
            if isinstance(got, str):
                evidence.reasons.append(got)
                if not evidence.points:
                    break
            else:
                balls = tuple(map(from_limbs, got))
                evidence.points.append(Point(case, balls, compare(expected, balls, floor)))
    return evidence


def traced(candidate: Candidate, cases: Sequence[Case]) -> tuple[Evidence, bool]:
    """Trace a candidate at some points, and NumPy code that keeps numbers in arrays of its own with balls in these.

    Returns:
        What the points show, and whether such arrays held balls.
    """
    evidence = gather(candidate, cases)
    kept = any(reason.startswith(KEEPS_NUMBERS) for reason in evidence.reasons)
    if evidence.points or not kept or candidate.question.framework != "numpy":
        return evidence, False
    candidate.runner.close()  # tables that the code has kept are made anew
    filled = gather(candidate, cases, buffers=True)
    return (filled, True) if filled.points else (evidence, False)


def verdict_of(equation: Equation[..., Any], evidence: Evidence) -> FunctionVerdict:
    """What is said of the evidence."""
    if evidence.separated:
        return _another(equation, evidence)
    reasons, at = "; ".join(dict.fromkeys(evidence.reasons)), len(evidence.points)
    compared = [each.comparison for each in evidence.points]
    undecided = sum(each.undecided for each in compared)
    if sum(each.elements for each in compared) == undecided:
        return FunctionVerdict("not traced", f"not traced: {reasons or 'no element of a small case is decided'}")
    digits = min(each.digits for each in compared)
    agree = "exactly" if digits == math.inf else f"to {_count(int(digits), 'digit')}"
    says = f"the same {agree}, at {_count(at, 'point')}"
    says += f", {_count(undecided, 'element')} undecided" if undecided else ""
    says += f"; not traced at {_count(len(evidence.reasons), 'other')}: {reasons}" if reasons else ", all of it traced"
    return FunctionVerdict("same", says, None if digits == math.inf else int(digits), at)


def _another(equation: Equation[..., Any], evidence: Evidence) -> FunctionVerdict:
    point, at = evidence.separated[0], len(evidence.points)
    worst, case = point.comparison.separated[0], point.case
    name = equation.definition.results[worst.output].name
    place = f"{name}{list(worst.index) if worst.index else ''}"
    says = (
        f"another one, proved at {len(evidence.separated)} of {_count(at, 'point')}: without rounding, {place} = "
        f"{_shown(worst.expected, worst.got)} ({case.description})"
    )
    return FunctionVerdict("another", says, None, at, case, name, worst.index, worst.expected, worst.got)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _shown(expected: float, got: float) -> str:
    """Two numbers with so many digits that they differ."""
    for digits in (8, 12, 17):
        right, wrong = f"{expected:.{digits}g}", f"{got:.{digits}g}"
        if right != wrong:
            break
    return f"{wrong} and not {right}"


def beyond_rounding(evidence: Evidence, bounds: Callable[[Case], Sequence[Any]]) -> tuple[Case, Separation] | None:
    """A point and an element at which the functions differ by more than rounding explains.

    Args:
        bounds: a function of a case, which gives the bounds of each output.
    """
    for point in evidence.points:
        if point.comparison.separated:
            limits = bounds(point.case)
            for each in point.comparison.separated:
                if each.distance > limits[each.output][each.index]:
                    return point.case, each
    return None


def recognised(evidence: Evidence, mutants: Sequence[Mutant], floor: float) -> Diagnosis | None:
    """The known mistakes that the candidate may have made: in balls, they give its values at all points."""

    def agrees(mutant: Mutant) -> bool:
        for point in evidence.points:
            try:
                values = value_in_balls(
                    lift_over_batch(mutant.definition, point.case), point.case.arguments, rounded=True
                )
            except Exception:  # what it exchanges need not have the shapes that it needs there
                return False
            with working():
                if compare(values, point.got, floor).separated:
                    return False
        return True

    found = [mutant for mutant in mutants if agrees(mutant)]
    return Diagnosis(found[0].id, found[0].says, tuple(each.says for each in found[1:])) if found else None
