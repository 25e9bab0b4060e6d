"""Repeatability: an answer depends only on the arguments, not on earlier calls, memory layout or chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from attnspec.interpreters.rounding.noise import Noise
from attnspec.thresholds import AGAIN, NUDGE, PRINTED, REPEATS
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import LAYOUT_WORDS, Case, within
from attnspec.verification.cases.distributions import INDEPENDENT, distribution_of, in_range
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge

CHANGES = "called again, it gives another answer: it remembers earlier calls, or draws at random"
OVERWRITES = "a later call changes what an earlier one returned: it hands out a buffer that it goes on writing to"
CHANGES_LATER = "what it returned has other values a while later: later calls or a thread write to it"
REMEMBERS = "given the same arrays with new values, it answers as if they were the old ones: it remembers earlier calls"
REMEMBERS_ALL_BUT = (
    "given other values of {} alone, it answers as if they were the old ones: it remembers earlier calls"
)
REMEMBERS_ALL_BUT_ONE = (
    "given one other value within {}, it answers as if it were the old one: it remembers earlier calls"
)
REMEMBERS_SIZES = "after a call with {} as many places along {} it answers otherwise: it remembers earlier calls"
WRITES_TO_SAVED = (
    "run a second time on one graph, its backward pass gives other gradients: it writes to what the forward saved"
)


NUDGED = ("float64", "float32")
"""The dtypes in which a nudged value is another one."""


@dataclass
class Repeatability:
    """Checks of one candidate. Each returns the violation in words, or "" if there is none.

    Attributes:
        candidate: the candidate.
        judge: judges its answers.
        note: called with a finding that is not a violation.
        repeats: how many calls were made that repeat an earlier one.
        varied: how many of them gave other bits.
        wrong: answers to changed values that are wrong in a new process too, so that nothing is remembered.
    """

    candidate: Candidate
    judge: Judge
    note: Callable[[str], None]
    repeats: int = 0
    varied: int = 0
    wrong: list[Observation] = field(default_factory=list)

    def violation(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Make all checks of a candidate whose values are right; the first violation."""
        return (
            self.changes_when_repeated(observations, judged)
            or self.remembers_calls(observations, judged)
            or self.overlooks_new_values(observations, judged)
            or self.remembers_sizes(observations, judged)
            or self.changes_saved_arrays(observations, judged)
        )

    def changes_where_wrong(self, judged: Judged) -> str:
        """Check whether the first wrong answers change by more than their noise when the candidate is called again."""
        wrong = [comparison for comparison in judged.compared if comparison.fails]
        for case in {id(comparison.case): comparison.case for comparison in wrong[:AGAIN]}.values():
            _, answers = self.candidate.call(case)
            if answers is None:
                continue
            for before in (comparison for comparison in wrong if comparison.case is case):
                if differ(answers[before.output], before.answer, before.noise):
                    return CHANGES
        return ""

    def depends_on_layout(self, judged: Judged) -> str:
        """Check whether the first wrong answer is right for the same values in contiguous arrays.

        It is not checked if an answer to contiguous arrays is wrong.
        """
        wrong = [comparison.case for comparison in judged.compared if comparison.fails]
        if not wrong or any(case.layout == "contiguous" for case in wrong):
            return ""
        contiguous = self.candidate.observe([replace(wrong[0], layout="contiguous")])
        if not contiguous or self.judge.failing(contiguous, judged.policy):
            return ""
        return f"its values are wrong for {LAYOUT_WORDS[wrong[0].layout]}, right for contiguous ones"

    def changes_when_repeated(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Check whether the first cases have the same answers when they are called again, in another order."""
        again = list(reversed(self.judge.ordinary(observations, 3)))
        for before in [*again, again[-1]]:
            outcome, answers = self.candidate.call(before.case)
            if answers is None:
                return f"it answers a case, and when called again {answer_form.describe_status(outcome)}"
            self.repeats += 1
            self.varied += any(map(differ_in_bits, answers, before.answers))
            noises = self.judge.noise(before.case, judged.policy)
            for new, old, noise in zip(answers, before.answers, noises, strict=True):
                if differ(new, old, noise):
                    return CHANGES
        return ""

    def remembers_calls(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Check whether answers depend on earlier calls: by the identity of arguments, a reused buffer or a counter."""
        first, second = self._confusable(self.judge.ordinary(observations, 1)[0].case)
        outcome, answered = self.candidate.call_then_overwrite(first, second)
        if len(answered) < 2:
            return f"it answers a case, and called twice in a row {answer_form.describe_status(outcome)}"
        for observation, violation in zip(answered, (OVERWRITES, REMEMBERS), strict=True):
            if not self.judge.holds(observation, judged.policy, judged.form):
                return self._if_right_alone(observation.case, judged, violation)
        outcome, answers = self.candidate.call(first, times=REPEATS)
        if answers is None:
            return f"it answers a case, and called {REPEATS} times {answer_form.describe_status(outcome)}"
        self.repeats += outcome.calls
        self.varied += outcome.varied
        if outcome.overwritten:
            return CHANGES_LATER
        if self.judge.holds(Observation(first, answers), judged.policy, judged.form):
            return ""
        if outcome.varied == 1:
            return f"one of {outcome.calls} calls on one input gives another answer"
        return f"within {outcome.calls} calls on one input, it begins to give another answer"

    def overlooks_new_values(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Check whether a change of one argument alone is seen, and a small change behind the ends of large arrays.

        A cache may recognise its arguments by some of them, by a rounded or printed form, or by their first rows.
        """
        first = self._on_eighths(self.judge.ordinary(observations, 1)[0].case)
        for name, array in first.arrays.items():
            others = {REMEMBERS_ALL_BUT: np.array(np.flip(array), order="C")}
            if array.dtype.kind == "f" and distribution_of(self.judge.equation, name) in INDEPENDENT:
                others[REMEMBERS_ALL_BUT_ONE] = self._with_one_other(name, array)
            for words, changed in others.items():
                second = replace(first, arrays={**first.arrays, name: changed}, description=None)
                _, answered = self.candidate.call_then_overwrite(first, second, times=1)
                overlooked = len(answered) == 2 and not any(map(differ_in_bits, *(each.answers for each in answered)))
                if overlooked and not self.judge.holds(answered[1], judged.policy, judged.form):
                    return self._if_right_alone(second, judged, words.format(name))
        if self.candidate.question.dtype not in NUDGED:
            return ""
        ordinary = [each.case for each in self.judge.ordinary(observations, len(observations))]
        large = (case for case in ordinary if max((a.size for a in case.arrays.values()), default=0) > PRINTED)
        first = self._on_eighths(next(large, ordinary[0]))
        _, answered = self.candidate.call_then_overwrite(first, self._nudged(first))
        if len(answered) == 2 and not self.judge.holds(answered[1], judged.policy, judged.form):
            return self._if_right_alone(answered[1].case, judged, REMEMBERS)
        return ""

    def remembers_sizes(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Check whether a case has its answers again after a call with twice or half as many places along an axis.

        A table may be kept under half of its width, or under its size rounded up.
        """
        usual = self.judge.ordinary(observations, 1)[0]
        if usual.case.description is None:
            return ""
        sizes = dict(usual.case.description.sizes)
        for name, size in sizes.items():
            if within(self.judge.equation, name, 2 * size) < 2 * size or not size:
                continue
            twice = replace(usual.case.description, sizes=tuple({**sizes, name: 2 * size}.items()))
            larger = self.candidate.make_case(twice)
            _, before = self.candidate.call(larger)
            for words, case, old in (("twice", usual.case, usual.answers), ("half", larger, before)):
                outcome, answers = self.candidate.call(case)
                if old is not None and answers is None:
                    return f"{REMEMBERS_SIZES.format(words, name)} ({answer_form.describe_status(outcome)})"
                if old is None or answers is None or not any(map(differ_in_bits, answers, old)):
                    continue
                if not self.judge.holds(Observation(case, answers), judged.policy, judged.form):
                    return self._if_right_alone(case, judged, REMEMBERS_SIZES.format(words, name))
        return ""

    def _with_one_other(self, name: str, array: Array) -> Array:
        """The array with one other value, at a place that is a multiple of no smaller number: no stride samples it."""
        changed = np.array(array, order="C")
        places = (place for place in range(int(array.size * 0.7), 1, -1) if all(place % n for n in range(2, place)))
        place = next(places, 0)
        changed.ravel()[place : place + 1] += 1
        return in_range(changed, self.judge.equation.definition.symbol(name))

    def _if_right_alone(self, case: Case, judged: Judged, violation: str) -> str:
        """A violation where the wrong answer is right as the first one of a new process; else the answer is kept."""
        answers = self._in_a_new_process(case)
        if answers is None or self.judge.holds(Observation(case, answers), judged.policy, judged.form):
            return violation
        self.wrong.append(Observation(case, answers))
        return ""

    def _on_eighths(self, case: Case) -> Case:
        """A case whose independent values are multiples of 1/8, none of them −0."""
        arrays = {
            name: in_range(np.asarray(np.round(array * 8) / 8 + 0.0), self.judge.equation.definition.symbol(name))
            if array.dtype.kind == "f" and distribution_of(self.judge.equation, name) in INDEPENDENT
            else array
            for name, array in case.arrays.items()
        }
        return replace(case, arrays=arrays, description=None)

    def _nudged(self, case: Case) -> Case:
        """The case with independent values a little larger, but for the first three and last three along each axis."""
        arrays = {name: array.copy() for name, array in case.arrays.items()}
        for name, array in arrays.items():
            if array.dtype.kind == "f" and distribution_of(self.judge.equation, name) in INDEPENDENT:
                inner = array[tuple(slice(3, -3) if size > 6 else slice(None) for size in array.shape)]
                inner += NUDGE * np.minimum(np.abs(inner), 1)
                stored = array.astype(self.candidate.question.dtype)
                array[...] = in_range(stored, self.judge.equation.definition.symbol(name))
        return replace(case, arrays=arrays, description=None)

    def _confusable(self, case: Case) -> tuple[Case, Case]:
        """Two cases whose arrays have the same sums, extremes and mostly the same first elements.

        A cache may recognise its arguments by them. Values are multiples of 1/8 where they are drawn independently of
        one another, so that their sums are the same in any order.
        """
        first: dict[str, Array] = {}
        second: dict[str, Array] = {}
        for name, array in case.arrays.items():
            if array.dtype.kind == "f" and distribution_of(self.judge.equation, name) in INDEPENDENT:
                symbol = self.judge.equation.definition.symbol(name)
                first[name] = in_range(np.asarray(np.round(array * 8) / 8), symbol)
                second[name] = first[name].copy()
                second[name].ravel()[1:-1] = first[name].ravel()[-2:0:-1]
            else:
                first[name], second[name] = array, np.array(np.flip(array), order="C")
        return (
            replace(case, arrays=first, description=None),
            replace(case, arrays=second, description=None),
        )

    def changes_saved_arrays(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Check whether a second backward pass on one graph gives the same gradients."""
        if self.candidate.question.forward is None:
            return ""
        case = self.judge.ordinary(observations, 1)[0].case
        outcome, answers = self.candidate.backward_twice(case)
        if answers is not None:
            right = self.judge.holds(Observation(case, answers), judged.policy, judged.form)
            return "" if right else WRITES_TO_SAVED
        if "modified by an inplace operation" in str(outcome.trouble):  # PyTorch's own check of saved tensors
            return WRITES_TO_SAVED
        self.note(f"run a second time on one graph, {answer_form.describe_status(outcome)}")
        return ""

    def right_in_a_fresh_process(self, judged: Judged) -> str:
        """Check whether the worst answer is right when it is the first call of a new process."""
        worst = statistics.worst(judged.compared)
        if worst is None or not worst.fails:
            return ""
        answers = self._in_a_new_process(worst.case)
        if answers is None or not self.judge.holds(Observation(worst.case, answers), judged.policy):
            return ""
        return "its answer is right in a fresh process, and wrong after other calls: it remembers them"

    def _in_a_new_process(self, case: Case) -> tuple[Array, ...] | None:
        """The answers of the first call of a new process; None if it has none."""
        self.candidate.runner.close()
        return self.candidate.call(case)[1]


def differ_in_bits(new: Array, old: Array) -> bool:
    """Whether two answers are not equal bit by bit, as numbers of float64; NaN is equal to itself, 0 to −0."""
    return not np.array_equal(new, old, equal_nan=True)


def differ(new: Array, old: Array, noise: Noise) -> bool:
    """Whether two answers to one case differ by more than the bound, where that can be decided."""
    differs = (_difference(new, old) > noise.bound) | (np.isnan(new) != np.isnan(old))
    return bool((differs & ~noise.undecidable).any())


def _difference(new: Array, old: Array) -> Array:
    with np.errstate(invalid="ignore"):  # two equal infinities have no difference
        return np.asarray(np.abs(new - old))
