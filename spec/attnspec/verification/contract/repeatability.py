"""Repeatability: an answer depends on the arguments alone, not on earlier calls, memory layout or chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attnspec.thresholds import REPEATS, RESTLESS
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge

OVERWRITES = "a later call changes what an earlier one returned: it hands out a buffer that it goes on writing to"
REMEMBERS = "given the same arrays with new values, it answers as if they were the old ones: it remembers earlier calls"
SPOILS = "run a second time on one graph, its backward pass gives other gradients: it writes to what the forward saved"


@dataclass
class Repeatability:
    """Checks of one candidate. Each returns the violation in a sentence, or "" if there is none.

    Attributes:
        note: called with observations that are not violations, in sentences.
    """

    candidate: Candidate
    judge: Judge
    note: Callable[[str], None]

    def violation(self, observations: Sequence[Observation], judged: Judged) -> str:
        """The first violation of a candidate whose values are right."""
        return (
            self.changes_when_repeated(observations, judged)
            or self.remembers_calls(observations, judged)
            or self.spoils_the_graph(observations, judged)
        )

    def depends_on_layout(self, judged: Judged) -> str:
        """Check whether it is wrong only on arrays that are not contiguous, and right on contiguous copies."""
        wrong = [each.case for each in judged.compared if each.fails]
        if not wrong or any(case.layout == "contiguous" for case in wrong):
            return ""
        plain = self.candidate.observe([replace(wrong[0], layout="contiguous")])
        if not plain or self.judge.failing(plain, judged.policy):
            return ""
        return f"its values are wrong for {wrong[0].layout} inputs, right for contiguous ones"

    def changes_when_repeated(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Check whether the first cases get other answers when they are called again in another order."""
        again = list(reversed(self.judge.ordinary(observations, 3)))
        for before in [*again, again[-1]]:
            outcome, answers = self.candidate.call(before.case)
            if answers is None:
                return f"it answers a case, and when asked again {answer_form.describe_status(outcome)}"
            noises = self.judge.noise(before.case, judged.policy)
            for now, then, noise in zip(answers, before.answers, noises, strict=True):
                with np.errstate(invalid="ignore"):
                    apart = (np.abs(now - then) > noise.bound) | (np.isnan(now) != np.isnan(then))
                moved = np.abs(now - then) > noise.sigma
                if bool((apart & ~noise.undecidable).any()) or (moved.size and float(moved.mean()) > RESTLESS):
                    return "asked again, it gives another answer: it remembers earlier calls, or draws at random"
                if self.candidate.question.claim.deterministic and not np.array_equal(now, then, equal_nan=True):
                    self.note("two runs on one input differ in their last bits")
        return ""

    def remembers_calls(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Check whether an answer depends on earlier calls: by arguments' identity, a reused buffer or a counter."""
        first = self.judge.ordinary(observations, 1)[0].case
        turned = {name: np.array(np.flip(array), order="C") for name, array in first.arrays.items()}
        then = replace(first, arrays=turned, description=None)  # the same sums and extremes: a cache may go by these
        outcome, seen = self.candidate.call_then_overwrite(first, then)
        if len(seen) < 2:
            return f"it answers a case, and called twice in a row {answer_form.describe_status(outcome)}"
        for observation, says in zip(seen, (OVERWRITES, REMEMBERS), strict=True):
            if not self.judge.holds(observation, judged.policy, judged.form):
                return says
        outcome, answers = self.candidate.call(first, times=REPEATS)
        if answers is None:
            return f"it answers a case, and called {REPEATS} times {answer_form.describe_status(outcome)}"
        if not self.judge.holds(Observation(first, answers), judged.policy, judged.form):
            return f"within {REPEATS} calls on one input, it begins to give another answer"
        return ""

    def spoils_the_graph(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Check whether a second backward pass on the same graph gives other gradients."""
        if self.candidate.question.forward is None:
            return ""
        case = self.judge.ordinary(observations, 1)[0].case
        outcome, answers = self.candidate.backward_twice(case)
        if answers is not None:
            return "" if self.judge.holds(Observation(case, answers), judged.policy, judged.form) else SPOILS
        if "modified by an inplace operation" in str(outcome.trouble):
            return SPOILS
        self.note(f"run a second time on one graph, {answer_form.describe_status(outcome)}")
        return ""

    def right_in_a_fresh_process(self, judged: Judged) -> str:
        """Check whether the worst answer is right in a new process, where no call came before."""
        worst = statistics.worst(judged.compared)
        if worst is None or not worst.fails:
            return ""
        case = worst.case
        self.candidate.runner.close()
        again = self.candidate.call(case)[1]
        if again is None or not self.judge.holds(Observation(case, again), judged.policy):
            return ""
        return "its answer is right in a fresh process, and wrong after other calls: it remembers them"
