"""What several questions have in common: the cases of one equation in one dtype, and the judge with their noise.

The cases that are drawn for two candidates are the same, but for a few. Their noise and the values of known mistakes
on them, which take most of the time of a verdict, are then computed once, as long as the questions follow one another
closely. No verdict depends on it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from attnspec.verification.candidate.candidate import Draw
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.judge.forms import accepted
from attnspec.verification.judge.judge import Judge

MOST_DRAWN, MOST_KEPT = 20_000_000, 40_000_000
"""The cases of one question have at most so many numbers, and what is kept of all questions, cases and noise. Speed and
memory alone depend on it."""


@dataclass
class Common:
    """What questions about one equation in one dtype have in common.

    Attributes:
        judge: judges the answers of each candidate, and keeps the noise of cases.
        drawn: the cases so far. The second one of a description in one verdict is another object than the first.
        elements: how many elements these have.
    """

    judge: Judge
    drawn: dict[tuple[Description, tuple[str, ...], int], Case] = field(default_factory=dict)
    elements: int = 0

    def drawer(self) -> Draw:
        """Return what draws the cases of one verdict."""
        times: Counter[tuple[Description, tuple[str, ...]]] = Counter()

        def draw(description: Description, summed: tuple[str, ...]) -> Case:
            place = (description, summed, times[description, summed])
            times[description, summed] += 1
            if place in self.drawn:
                return self.drawn[place]
            case = replace(make(self.judge.equation, description, self.judge.dtype), summed=summed)
            if self.elements < MOST_DRAWN:
                self.drawn[place] = case
                self.elements += case.elements
            return case

        return draw


_kept: dict[object, Common] = {}
"""What was asked last comes last."""


def common_to(question: Question) -> Common:
    """What a question has in common with earlier ones, or what begins anew."""
    rewritings = accepted(question.equation, question.claim.forms)
    key = (question.equation, question.dtype, question.seed, rewritings)
    if key in _kept:
        _kept[key] = _kept.pop(key)
    while sum(each.judge.kept_elements + each.elements for each in _kept.values()) > MOST_KEPT:
        del _kept[next(iter(_kept))]
    if key not in _kept:
        _kept[key] = Common(Judge(*key))
    return _kept[key]
