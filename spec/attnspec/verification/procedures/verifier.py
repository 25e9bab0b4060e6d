"""One verdict on an implementation of a procedure: its answers equal the procedure's, or they do not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from attnspec.language.procedure import Mistake
from attnspec.properties.property import PROCEDURAL, Equal, Property
from attnspec.thresholds import ENOUGH_CAUGHT, REPEATS, STRENGTHENING_ROUNDS
from attnspec.verification.candidate import answer_form
from attnspec.verification.contract import side_effects
from attnspec.verification.procedures.cases import Case, drawn, standard_cases
from attnspec.verification.procedures.question import ProceduralQuestion
from attnspec.verification.sandbox.binding import Plan, bind
from attnspec.verification.sandbox.messages import Outcome, PlainRequest
from attnspec.verification.sandbox.plain_values import smaller, type_mismatch
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.verdict import Diagnosis, Verdict, VerdictKind, WorstAnswer

BASE_CASES = 60
"""How many cases are drawn for every question."""

SHRINK_CALLS = 400
"""How many calls are spent on making a case smaller."""

PROPERTY_CASES = 12
"""On how many cases each property is checked."""

NOT_REPEATABLE = (
    "called again in a fresh process, it gives another answer: it remembers earlier calls, draws at random, or goes by "
    "the order of a set"
)
OVERWRITES = "a later call changes what an earlier one returned: it hands out what it goes on writing to"
REMEMBERS = "given the same mapping with new contents, it answers as if it were the old one: it remembers earlier calls"


class Unanswered(Exception):
    """A call within a property has no answer."""


@dataclass
class ProceduralVerifier:
    """Answers one question.

    Attributes:
        question: what is to be judged.
        runner: a sandbox with the target loaded.
        on_progress: called with the name of each stage that begins.
        observed: every case so far, with the outcome of its call.
    """

    question: ProceduralQuestion
    runner: Runner
    on_progress: Callable[[str], None] = lambda stage: None
    observed: list[tuple[Case, Outcome]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.procedure = self.question.procedure
        self.started = time.monotonic()
        self.plan: Plan = []

    def verdict(self) -> Verdict:
        """Call, compare, and conclude.

        Raises:
            BindingError: the callable's parameters do not match the procedure's.
        """
        self.bind()
        self.on_progress("cases")
        self.observe(standard_cases(self.procedure, self.question.seed, BASE_CASES + self.question.examples))
        failed = self.unusable()
        if failed is not None:
            return failed
        if self.wrong_cases():
            return self.diagnose()
        uncaught = self.uncaught_mistakes()
        if self.wrong_cases():
            return self.unusable() or self.diagnose()
        self.on_progress("contract")
        violation = side_effects.broken(self.observed) or self.not_repeatable() or self.remembers_calls()
        if violation:
            return self.conclude(VerdictKind.MISBEHAVES, violation, uncaught=uncaught)
        self.on_progress("properties")
        properties, violation = self.check_properties()
        if violation:
            return self.conclude(VerdictKind.DIFFERS, violation, uncaught=uncaught, properties=properties)
        total = len(self.procedure.mistakes)
        weak = f"these cases would have caught only {total - len(uncaught)} of {total} known mistakes"
        if len(uncaught) > (1 - ENOUGH_CAUGHT) * total:
            return self.conclude(VerdictKind.INCONCLUSIVE, weak, uncaught=uncaught, properties=properties)
        return self.conclude(VerdictKind.CONFORMS, "", uncaught=uncaught, properties=properties)

    def bind(self) -> None:
        """Match the callable's parameters with the procedure's.

        Raises:
            BindingError: they do not match.
        """
        self.plan = bind(
            self.question.callable.parameters,
            self.procedure.parameters,
            self.procedure.options,
            dict(self.question.bind),
            name=self.question.implementation,
            equation=self.procedure.id,
        )

    def request(self, case: Case, *, earlier: Case | None = None, times: int = 1) -> PlainRequest:
        """Return the call of a case; `earlier` and `times` are those of `PlainRequest`."""
        return PlainRequest(self.question.callable.name, case, self.plan, earlier, times)

    def observe(self, cases: Sequence[Case]) -> None:
        """Call the candidate on cases and keep the outcomes; a hang or a crash is the last."""
        outcomes = self.runner.call_many([self.request(case) for case in cases])
        for case, outcome in zip(cases, outcomes, strict=False):
            self.observed.append((case, outcome))
            if outcome.status in ("timeout", "crashed"):
                break

    def call(self, case: Case, *, earlier: Case | None = None, times: int = 1) -> Outcome:
        """Call the candidate on one case, whose outcome is not kept."""
        (outcome,) = self.runner.call_many([self.request(case, earlier=earlier, times=times)])
        return outcome

    def expected(self, case: Case) -> Any:
        """Return the procedure's answer."""
        return self.procedure(**case)

    def form_fault(self, outcome: Outcome) -> str:
        """Describe what is wrong with the type of an answer; "" if nothing is."""
        if outcome.not_plain:
            return f"it returns {outcome.not_plain} where {self.procedure.gives} belongs"
        faults = (type_mismatch(answer, self.procedure.types["return"]) for answer in outcome.answers)
        return next((f"it returns {fault}" for fault in faults if fault), "")

    def is_right(self, case: Case, outcome: Outcome) -> bool:
        """Return whether the last answer is the procedure's."""
        if outcome.status != "ok" or self.form_fault(outcome):
            return False
        return bool(outcome.answers[-1] == self.expected(case))

    def wrong_cases(self) -> list[Case]:
        """Return the cases whose answer is not the procedure's."""
        return [case for case, outcome in self.observed if not self.is_right(case, outcome)]

    def unusable(self) -> Verdict | None:
        """Return the verdict if a case has no answer of the right type."""
        for case, outcome in self.observed:
            if outcome.status == "unavailable":
                return self.conclude(VerdictKind.NOT_RUN, str(outcome.trouble or "it cannot be run here"))
            if outcome.status == "raised":
                return self.raised(case, outcome)
            if outcome.status != "ok":
                return self.conclude(VerdictKind.FAILS, answer_form.status_says(outcome), case)
        for case, outcome in self.observed:
            if self.form_fault(outcome):
                return self.conclude(VerdictKind.MISBEHAVES, self.form_fault(outcome), case)
        return None

    def raised(self, case: Case, outcome: Outcome) -> Verdict:
        """Return the verdict on a candidate that raised an exception, on a smaller case if there is one."""
        smallest = self.shrink(case, lambda _, outcome: outcome.status == "raised")
        again = self.call(smallest)
        trouble = again.trouble or outcome.trouble
        reason = answer_form.status_says(again if again.status == "raised" else outcome)
        traceback = f"\n{trouble.traceback}" if trouble is not None and trouble.traceback else ""
        return self.conclude(VerdictKind.FAILS, reason + traceback, smallest)

    def diagnose(self) -> Verdict:
        """Return the verdict on wrong answers: a known mistake that gives all of them, memory of calls, or neither."""
        self.on_progress("diagnosis")
        wrong = self.wrong_cases()
        known = [mistake for mistake in self.procedure.mistakes if self.explains(mistake)]
        if not known and (violation := self.not_repeatable()):
            return self.conclude(VerdictKind.MISBEHAVES, violation)
        case = min(wrong, key=lambda case: len(repr(case)))
        smallest = self.shrink(case, self.is_usable_and_wrong)
        diagnosis = [Diagnosis(known[0].name, known[0].says, tuple(also.says for also in known[1:]))] if known else []
        reason = f"{len(wrong)} of {len(self.observed)} answers are others"
        note = side_effects.broken(self.observed)
        return self.conclude(VerdictKind.DIFFERS, reason, smallest, tuple(diagnosis), (note,) if note else ())

    def is_usable_and_wrong(self, case: Case, outcome: Outcome) -> bool:
        """Return whether an answer is of the right type, and not the procedure's."""
        return outcome.status == "ok" and not self.form_fault(outcome) and not self.is_right(case, outcome)

    def explains(self, mistake: Mistake) -> bool:
        """Return whether a known mistake gives every answer."""
        return all(_answer(mistake, case) == outcome.answers[-1] for case, outcome in self.observed)

    def uncaught_mistakes(self) -> list[Mistake]:
        """Return the known mistakes that give every answer of the procedure; more cases are tried to catch them."""
        uncaught = [mistake for mistake in self.procedure.mistakes if self.is_uncaught(mistake, self.observed)]
        for round_ in range(1, STRENGTHENING_ROUNDS + 1):
            if not uncaught:
                break
            self.on_progress("strengthening")
            before = len(self.observed)
            self.observe(drawn(self.procedure, self.question.seed + 1000 * round_, BASE_CASES))
            uncaught = [mistake for mistake in uncaught if self.is_uncaught(mistake, self.observed[before:])]
        return uncaught

    def is_uncaught(self, mistake: Mistake, observed: Sequence[tuple[Case, Outcome]]) -> bool:
        """Return whether a mistake gives the procedure's answer in all of some cases."""
        return all(_answer(mistake, case) == self.expected(case) for case, _ in observed)

    def not_repeatable(self) -> str:
        """Call every case again, in another order and in a fresh process, where sets have another order too."""
        self.runner.close()
        earlier = [*reversed(self.observed)]
        now = self.runner.call_many([self.request(case) for case, _ in earlier])
        pairs = [*zip(now, earlier, strict=True)]
        same = all(outcome.status == "ok" and outcome.answers == before.answers for outcome, (_, before) in pairs)
        return "" if same else NOT_REPEATABLE

    def remembers_calls(self) -> str:
        """Describe how an answer depends on earlier calls: by a mapping's identity, a reused result or a counter."""
        cases = [case for case, _ in self.observed[: BASE_CASES // 2]]
        for first, second in pairwise(cases):
            outcome = self.call(second, earlier=first)
            if len(outcome.answers) < 2:
                return f"it answers a case, and called twice in a row {answer_form.status_says(outcome)}"
            if outcome.answers[0] != self.expected(first):
                return OVERWRITES
            if outcome.answers[1] != self.expected(second):
                return REMEMBERS
        outcome = self.call(cases[-1], times=REPEATS)
        changed = f"within {REPEATS} calls on one input, it begins to give another answer"
        return "" if self.is_right(cases[-1], outcome) else changed

    def check_properties(self) -> tuple[tuple[tuple[str, bool], ...], str]:
        """Return the name of each property with whether it holds, and a description of the first violation."""
        properties = PROCEDURAL.get(self.procedure.id, ())
        violations = [self.violation_of(property_) for property_ in properties]
        held = tuple((item.name, not violation) for item, violation in zip(properties, violations, strict=True))
        return held, next(filter(None, violations), "")

    def violation_of(self, property_: Property) -> str:
        """Describe how a property is violated; "" if it holds."""

        def function(*args: Any, **case: Any) -> Any:
            outcome = self.call({**dict(zip(self.procedure.parameters, args, strict=False)), **case})
            if outcome.status != "ok" or self.form_fault(outcome):
                raise Unanswered(self.form_fault(outcome) or answer_form.status_says(outcome))
            return outcome.answers[-1]

        for case, _ in self.observed[:PROPERTY_CASES]:
            try:
                for relation in property_.relations(function, case):
                    assert isinstance(relation, Equal)
                    if relation.left != relation.right:
                        return f"{property_.name}: {property_.says} Here {relation.left!r} is not {relation.right!r}"
            except Unanswered as error:
                return f"{property_.name}: {property_.says} Here {error}"
        return ""

    def shrink(self, case: Case, shows: Callable[[Case, Outcome], bool]) -> Case:
        """Return a smaller case whose outcome still shows something, within `SHRINK_CALLS` calls."""
        calls = 0
        smallest: Case | None = case
        while smallest is not None:
            case, smallest = smallest, None
            for candidate in _smaller_cases(case):
                calls += 1
                if calls > SHRINK_CALLS:
                    return case
                if shows(candidate, self.call(candidate)):
                    smallest = candidate
                    break
        return case

    def conclude(
        self,
        verdict: VerdictKind,
        reason: str,
        case: Case | None = None,
        diagnosis: tuple[Diagnosis, ...] = (),
        findings: tuple[str, ...] = (),
        *,
        uncaught: Sequence[Mistake] | None = None,
        properties: tuple[tuple[str, bool], ...] = (),
    ) -> Verdict:
        """Return the verdict.

        Args:
            case: the case that shows it, if one does.
            uncaught: the known mistakes that the cases would not have caught; None if that was not tried.
        """
        total = len(self.procedure.mistakes)
        return self.question.without_judging(
            verdict,
            reason,
            diagnosis=diagnosis,
            findings=findings,
            worst_case=None if case is None else self.worst_answer(case, verdict),
            killed=0 if uncaught is None else total - len(uncaught),
            of=0 if uncaught is None else total,
            survived=tuple(mistake.says for mistake in uncaught or ()),
            examples=len(self.observed),
            seconds=time.monotonic() - self.started,
            properties=properties,
            domain="all arguments of these types",
            mend=self.procedure.body if verdict == VerdictKind.DIFFERS else "",
        )

    def worst_answer(self, case: Case, verdict: VerdictKind) -> WorstAnswer:
        """Return a case with the expected answer and, where answers differ, the candidate's."""
        outcome = self.call(case) if verdict == VerdictKind.DIFFERS else None
        got = outcome.answers[-1] if outcome is not None and outcome.answers else None
        return WorstAnswer(case, self.expected(case), got)


def _answer(mistake: Mistake, case: Case) -> Any:
    """Return the answer of a known mistake; the exception that it raises equals no answer."""
    try:
        return mistake.function(**case)
    except Exception as error:
        return error


def _smaller_cases(case: Mapping[str, Any]) -> Iterator[Case]:
    for name, value in case.items():
        for simpler in smaller(value):
            yield {**case, name: simpler}
