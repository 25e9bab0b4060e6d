"""The second line of a verdict: which function the candidate computes, and what follows for the first line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import FORMATS, preset
from attnspec.thresholds import FLOOR_EXPONENTS
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import Case
from attnspec.verification.function.verdict import (
    Evidence,
    beyond_rounding,
    gather,
    points,
    recognised,
    small,
    traced,
    verdict_of,
)
from attnspec.verification.judge.findings import Conclusion
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.properties.relations import noise_under
from attnspec.verification.verdict import FunctionVerdict, VerdictKind, WorstElement

RIGHT, NEARLY_RIGHT = "the formula is right", "the formula is nearly right"
"""How the reason of an imprecise candidate begins, and how it does where its function is another one."""

WRONG_POINTS = 2
"""At so many of the cases that are wrong a function is traced too, where it is the same at the others."""

OVERRULED = (VerdictKind.CONFORMS, VerdictKind.INCONCLUSIVE, VerdictKind.IMPRECISE)
"""Verdicts that become "differs" where the function is proved to be another one, by more than rounding explains. Of an
imprecise candidate it must be that of a known mistake: an approximation, as of tanh by a table, is another one too."""


def with_function(
    candidate: Candidate, observations: Sequence[Observation], mistakes: Sequence[Mutant], conclusion: Conclusion
) -> tuple[FunctionVerdict, Conclusion]:
    """Examine the function, and conclude again.

    A candidate whose function is the same in the cases that it gets wrong is imprecise, unless more than half of its
    bits are wrong. A candidate in half precision whose function differs by more than float32 would round differs,
    although its own rounding hides it, and so does one with a known mistake that loses digits besides. Smaller
    differences, such as 1e-12 added to a norm, are said and change nothing.

    Args:
        observations: the answers that were judged.
        mistakes: the known mistakes of the equation.
        conclusion: what was concluded from the run.
    """
    equation = candidate.question.equation
    evidence, buffers = traced(candidate, [*points(candidate, [each.case for each in observations])])
    if conclusion.kind is VerdictKind.DIFFERS and evidence.points and not evidence.separated:
        evidence.extend(gather(candidate, islice(small(candidate, _failing(conclusion)), WRONG_POINTS), buffers))
    function = verdict_of(equation, evidence)
    conclusion = of_function(function, conclusion)
    if conclusion.kind is VerdictKind.DIFFERS and function.kind == "same" and _wrong_nearby(candidate, conclusion):
        return function, _only_rounds(candidate, conclusion, buffers) or conclusion
    found = beyond_rounding(evidence, lambda case: _bounds(candidate, case)) if conclusion.kind in OVERRULED else None
    if found is None:
        return function, conclusion
    case, apart = found
    worst = WorstElement(
        case, equation.definition.results[apart.output].name, apart.index, apart.expected, 0.0, apart.got
    )
    reason = f"its function is {function.says}"
    diagnosis = _diagnosis(candidate, evidence, mistakes)
    if conclusion.kind is VerdictKind.IMPRECISE and diagnosis is None:
        return function, conclusion
    differs = replace(conclusion, kind=VerdictKind.DIFFERS, reason=reason, bits=None, worst=worst, diagnosis=diagnosis)
    return function, differs


def of_function(function: FunctionVerdict, conclusion: Conclusion) -> Conclusion:
    """A conclusion that does not call a formula right whose function is proved to be another one."""
    if function.kind != "another" or conclusion.kind is not VerdictKind.IMPRECISE:
        return conclusion
    return replace(conclusion, reason=conclusion.reason.replace(RIGHT, NEARLY_RIGHT, 1))


def _failing(conclusion: Conclusion, far: float | None = None) -> list[Case]:
    """The cases that are wrong, the smallest first; none if an element is off by more than a share of the largest."""
    failing = [each for each in conclusion.judged.compared if each.fails] if conclusion.judged is not None else []
    if far is not None and any(_is_far(each, far) for each in failing):
        return []
    return sorted({id(each.case): each.case for each in failing}.values(), key=lambda case: case.elements)


def _wrong_nearby(candidate: Candidate, conclusion: Conclusion) -> list[Case]:
    """The cases that are wrong; none if a wrong element is not near the right one."""
    return _failing(conclusion, far=2.0 ** (-FORMATS[candidate.question.dtype].bits / 2))


def _only_rounds(candidate: Candidate, conclusion: Conclusion, buffers: bool) -> Conclusion | None:
    """Conclude that it is imprecise: wrong elements are near the right ones, and the function is the same there."""
    cases = _wrong_nearby(candidate, conclusion)
    wrong = gather(candidate, small(candidate, cases), buffers)
    if not wrong.points or wrong.reasons or wrong.separated:
        return None
    reason = f"{conclusion.reason}; without rounding they are right, in {len(wrong.points)} of {len(cases)} such cases"
    return replace(conclusion, kind=VerdictKind.IMPRECISE, reason=reason, diagnosis=None, mend="")


def _is_far(compared: Compared, share: float) -> bool:
    """Whether a wrong element is not finite, or is off by more than a share of the largest value."""
    error = np.abs(compared.error[compared.ratio > 1])
    finite = np.abs(compared.noise.value[np.isfinite(compared.noise.value)])
    return not bool((error <= share * finite.max(initial=0.0)).all())


def _bounds(candidate: Candidate, case: Case) -> list[Any]:
    """By how much rounding in float32, or in float64 if that is judged, may change each element."""
    dtype = "float64" if candidate.question.dtype == "float64" else "float32"
    equation = candidate.question.equation
    noise_of = noise_under(equation, preset("op-by-op", dtype), form=lift_over_batch(equation.definition, case))
    return [output.bound for output in noise_of(case.arguments)]


def _diagnosis(candidate: Candidate, evidence: Evidence, mistakes: Sequence[Mutant]) -> Any:
    return recognised(evidence, mistakes, 2.0 ** FLOOR_EXPONENTS[candidate.question.dtype])
