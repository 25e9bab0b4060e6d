"""The case that shows an error: the worst one, and the smallest that still fails."""

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
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.verdict import WorstElement


def worst_element(each: Compared, equation: Equation[..., Any], by: Array | None = None) -> WorstElement:
    """The worst element of a comparison, by |error| over its bound or by another measure."""
    by = each.ratio if by is None else by
    place = tuple(int(k) for k in np.unravel_index(int(np.argmax(by)), by.shape))
    name = equation.definition.results[each.output].name
    value, sigma = float(each.noise.value[place]), float(each.noise.sigma[place])
    return WorstElement(each.case, name, place, value, sigma, float(each.answer[place]))


def worst_case(finding: Finding, judged: Judged, equation: Equation[..., Any]) -> WorstElement | None:
    """The worst element of a finding; None if no single element shows it."""
    each = finding.at or statistics.worst(judged.compared)
    return worst_element(each, equation) if each is not None and each.ratio.size else None


def smallest_case(finding: Finding, judged: Judged, judge: Judge, candidate: Candidate) -> WorstElement | None:
    """The worst case, shrunk while the candidate still fails on it."""
    failing = [each for each in judged.compared if each.fails]
    if finding.kind != "element" or not failing:
        return worst_case(finding, judged, judge.equation)
    smallest = [min(failing, key=lambda each: each.case.elements)]

    def fails(case: Case) -> bool:
        case = candidate.with_summed_gradients(case)
        _, answers = candidate.call(case)
        if answers is None:
            return False
        seen = statistics.worst(judge.compared([Observation(case, answers)], judged.policy))
        if seen is None or not seen.fails:
            return False
        smallest[0] = seen
        return True

    question = candidate.question
    shrink(judge.equation, smallest[0].case, question.dtype, question.least, fails, batches=question.claim.batch)
    return worst_element(smallest[0], judge.equation)
