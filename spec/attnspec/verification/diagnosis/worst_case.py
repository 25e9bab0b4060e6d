"""The case that is shown for an error: the worst one, or a smaller one that still fails."""

from __future__ import annotations

from typing import Any

import numpy as np

from attnspec.language.equation import Equation
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.shrink import shrink
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Finding, Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.narrowed import narrowed
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.verdict import WorstElement


def worst_element(comparison: Compared, equation: Equation[..., Any], by: Array | None = None) -> WorstElement:
    """The worst element of a comparison.

    Args:
        by: how bad each element is, of the output's shape; |error| / bound if None.
    """
    by = comparison.ratio if by is None else by
    place = tuple(int(k) for k in np.unravel_index(int(np.argmax(by)), by.shape))
    name = equation.definition.results[comparison.output].name
    value, sigma = float(comparison.noise.value[place]), float(comparison.noise.sigma[place])
    return WorstElement(comparison.case, name, place, value, sigma, float(comparison.answer[place]))


def worst_case(finding: Finding, judged: Judged, equation: Equation[..., Any]) -> WorstElement | None:
    """The worst element of the comparison that a finding is about, or else of all; None if there is no element."""
    comparison = finding.compared or statistics.worst(judged.compared)
    return worst_element(comparison, equation) if comparison is not None and comparison.ratio.size else None


def smallest_failing(
    finding: Finding, judged: Judged, judge: Judge, candidate: Candidate
) -> tuple[Compared, Observation | None] | None:
    """Shrink a failing case as long as the candidate fails on it.

    If no single element fails, nothing is shrunk, and there is none.

    Returns:
        The output that is furthest off, and the answer; None for the answer if no smaller case fails.
    """
    failing = [comparison for comparison in judged.compared if comparison.fails]
    if finding.kind != "element" or not failing:
        return None
    first = min(failing, key=lambda comparison: comparison.case.elements)
    smallest: list[Observation] = []

    def worst_of(asked: Observation) -> Compared | None:
        worst = statistics.worst(judge.compare([asked], judged.policy))
        return worst if worst is not None and worst.fails else None

    def fails(case: Case) -> bool:
        case = candidate.with_summed_gradients(case)
        _, answers = candidate.call(case)
        if answers is None or worst_of(narrowed(Observation(case, answers), judge.equation)) is None:
            return False
        smallest[:] = [Observation(case, answers)]
        return True

    question = candidate.question
    shrink(judge.equation, first.case, question.dtype, question.least, fails, batches=question.claim.batch)
    worst = worst_of(smallest[0]) if smallest else None
    return (worst, smallest[0]) if worst is not None else (first, None)
