"""A long search for a wrong answer: descriptions of cases are varied, towards the largest error over its bound, and
towards lines of the candidate's own code that were not reached before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, Description
from attnspec.verification.cases.search import Menu, menu
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.sandbox.messages import Step

POOL = 12
"""So many descriptions, those with the largest errors, are varied further, and as many that took a new way last."""

FRESH = 2
"""One description in so many is drawn anew."""

SECONDS_BETWEEN = 5.0
"""The time between two lines on progress."""


@dataclass
class Hunt:
    """A search for a case that the candidate gets wrong.

    Attributes:
        candidate: the candidate.
        judge: what answers are judged by.
        judged: the judgement so far, with its policy and its form.
        seconds: the time that it may take.
        on_progress: called with how far it is.
        is_stepped: whether the lines are followed that it runs.
        cases: the number of cases that were asked.
        largest: the largest error over its bound of a case that was asked.
        hardest: the case with that error; None if none was answered.
        found: the answer that is wrong; None if there is none, or if a case has no answer.
        ways: the number of cases that took a way through the candidate's own code that none before had taken.
    """

    candidate: Candidate
    judge: Judge
    judged: Judged
    seconds: float
    on_progress: Callable[[str], None] = lambda stage: None
    is_stepped: bool = True
    cases: int = 0
    largest: float = 0.0
    hardest: Case | None = None
    found: Observation | None = None
    ways: int = 0
    _pool: list[tuple[float, Description]] = field(default_factory=list)
    _last_ways: list[Description] = field(default_factory=list)
    _steps: set[Step] = field(default_factory=set)

    def run(self) -> None:
        """Search until something is wrong or the time is over. A call without an answer is kept among the calls."""
        question = self.candidate.question
        choices = menu(question.equation, question.least, question.claim, question.layouts)
        random, ends, shown = Random(question.seed), time.monotonic() + self.seconds, 0.0
        while self.found is None and (now := time.monotonic()) < ends:
            if not self.ask(self._next(choices, random)):
                return
            if now - shown > SECONDS_BETWEEN:
                shown = now
                self.on_progress(f"hunt, {self.cases} cases, largest error {self.largest:.2f} of its bound")

    def _next(self, choices: Menu, random: Random) -> Description:
        """A new description, or a variation of one that is hard or took a new way."""
        if not self._pool or random.randrange(FRESH) == 0:
            return choices.draw_widely(random)
        hardest = [description for _, description in self._pool]
        kept = random.choice([hardest, self._last_ways or hardest])
        return choices.vary_widely(random.choice(kept), random)

    def ask(self, description: Description) -> bool:
        """Ask one case; False if it has no answer that can be judged."""
        case = self.candidate.make_case(description)
        outcome, answers = self.candidate.call(case)
        self.cases += 1
        if answers is None and description.layout != "contiguous":  # is it the layout?
            plain = self.candidate.make_case(replace(description, layout="contiguous"))
            again, answered = self.candidate.call(plain)
            if answered is None or answer_form.refused([(case, outcome)]):
                case, outcome, answers = plain, again, answered
        if answers is None or outcome.changed_inputs or outcome.global_state:
            self.candidate.calls.append((case, outcome))
            if answers is None:
                return False
        observation = Observation(case, answers)
        judge = Judge(self.judge.equation, self.judge.dtype, self.judge.seed, self.judge.accepted)  # it keeps all cases
        share = statistics.largest(judge.compare([observation], self.judged.policy, self.judged.form))
        if self.hardest is None or share > self.largest:
            self.largest, self.hardest = share, case
        if share > 1:
            self.found = observation
            self.candidate.calls.append((case, outcome))
        self._pool = sorted([*self._pool, (share, description)], key=lambda each: -each[0])[:POOL]
        if self.is_stepped and self.found is None:
            self._follow(case, description)
        return True

    def _follow(self, case: Case, description: Description) -> None:
        """Call it once more, and keep a description that reaches lines in another way. That answer is not judged."""
        outcome, _ = self.candidate.call(case, stepped=True)
        self.is_stepped = bool(outcome.steps)  # compiled code has none
        if not self._steps.issuperset(outcome.steps):
            self._steps.update(outcome.steps)
            self._last_ways = [*self._last_ways, description][-POOL:]
            self.ways += 1

    @property
    def says(self) -> str:
        """A sentence on the search."""
        hardest = f", at {self.hardest.description}" if self.hardest is not None else ""
        minutes = f"{self.seconds / 60:g} minute{'s' * (self.seconds != 60)}"
        error = f"largest error {self.largest:.2g} of its bound{hardest}"
        ways = f", {self.ways} case{'s' * (self.ways != 1)} took a new way through its code" if self.ways else ""
        return f"searched on, at most {minutes}: {self.cases} more cases, {error}{ways}"
