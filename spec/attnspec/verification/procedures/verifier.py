"""One verdict on what claims a procedure: its answers are equal to the procedure's, or they are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from attnspec.language.procedure import Mistake, Procedure
from attnspec.properties.property import PROCEDURAL, Equal, Property
from attnspec.thresholds import ENOUGH_CAUGHT, REPEATS, STRENGTHENING_ROUNDS
from attnspec.verification.candidate import answer_form
from attnspec.verification.contract import side_effects
from attnspec.verification.procedures.cases import Case, drawn, standard_cases
from attnspec.verification.sandbox.binding import bind
from attnspec.verification.sandbox.messages import Outcome, Request
from attnspec.verification.sandbox.plain_values import smaller, unfit
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import Found
from attnspec.verification.verdict import Diagnosis, Verdict, VerdictKind, WorstAnswer

ALWAYS = 60
"""Cases that are drawn whatever is asked."""

TRIED = 400
"""Calls after which a case is small enough."""

ON_PROPERTIES = 12
"""Cases on which each property is asked."""

ELSEWHERE = (
    "asked again in a fresh process, it gives another answer: it remembers earlier calls, draws at random, or goes by "
    "the order of a set"
)
OVERWRITES = "a later call changes what an earlier one returned: it hands out what it goes on writing to"
REMEMBERS = "given the same mapping with new contents, it answers as if it were the old one: it remembers earlier calls"


class Unanswered(Exception):
    """A call within a property got no answer."""


@dataclass(frozen=True, slots=True)
class ProceduralQuestion:
    """What is asked: a callable of a target, a procedure, and how much; as a `Question` says it of an equation."""

    found: Found
    procedure: Procedure[..., Any]
    examples: int = 20
    seed: int = 0
    bind: tuple[tuple[str, str], ...] = ()
    shown: str = ""

    def without_judging(self, verdict: VerdictKind, reason: str, **facts: Any) -> Verdict:
        """A verdict; there is no framework, no dtype and no device in it."""
        name = self.shown or self.found.name
        return Verdict(self.procedure.id, name, "python", "", "cpu", verdict, reason, seed=self.seed, **facts)


@dataclass
class ProceduralVerifier:
    """Asks one question of a runner that has the target loaded.

    Attributes:
        asked: every case so far, with what came of it.
    """

    question: ProceduralQuestion
    runner: Runner
    on_progress: Callable[[str], None] = lambda stage: None
    asked: list[tuple[Case, Outcome]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.procedure = self.question.procedure
        self.started = time.monotonic()

    def verdict(self) -> Verdict:
        """Ask, compare and say.

        Raises:
            BindingError: the callable's parameters do not match the procedure's.
        """
        question = self.question
        self.plan = bind(
            question.found.parameters,
            self.procedure.parameters,
            self.procedure.options,
            dict(question.bind),
            name=question.shown or question.found.name,
            equation=self.procedure.id,
        )
        self.on_progress("cases")
        self.ask(standard_cases(self.procedure, question.seed, ALWAYS + question.examples))
        early = self.unusable()
        if early is not None:
            return early
        if any(not self.right(case, outcome) for case, outcome in self.asked):
            return self.wrong()
        survived = self.survivors()
        if any(not self.right(case, outcome) for case, outcome in self.asked):
            return self.unusable() or self.wrong()
        self.on_progress("contract")
        trouble = side_effects.broken(self.asked) or self.elsewhere() or self.remembered()
        if trouble:
            return self.said(VerdictKind.MISBEHAVES, trouble, survived=survived)
        self.on_progress("properties")
        held, violation = self.properties()
        if violation:
            return self.said(VerdictKind.DIFFERS, violation, survived=survived, properties=held)
        of = len(self.procedure.mistakes)
        weak = f"these cases would have caught only {of - len(survived)} of {of} known mistakes"
        if len(survived) > (1 - ENOUGH_CAUGHT) * of:
            return self.said(VerdictKind.INCONCLUSIVE, weak, survived=survived, properties=held)
        return self.said(VerdictKind.CONFORMS, "", survived=survived, properties=held)

    # Asking.

    def request(self, case: Case, **how: Any) -> Request:
        return Request(self.question.found.name, {}, case, call_by=self.plan, plain=True, **how)

    def ask(self, cases: Sequence[Case]) -> None:
        """Run it on cases; after a hang or a crash no more are asked."""
        answers = self.runner.call_many([self.request(case) for case in cases])
        for case, outcome in zip(cases, answers, strict=False):
            self.asked.append((case, outcome))
            if outcome.status in ("timeout", "crashed"):
                break

    def once(self, case: Case, **how: Any) -> Outcome:
        """One call beside the record."""
        (outcome,) = self.runner.call_many([self.request(case, **how)])
        return outcome

    def expected(self, case: Case) -> Any:
        return self.procedure(**case)

    def fault(self, outcome: Outcome) -> str:
        """What is wrong with the form of an answer, in words; "" where nothing is."""
        if outcome.foreign:
            return f"it returns {outcome.foreign} where {self.procedure.gives} belongs"
        wrong = (unfit(answer, self.procedure.types["return"]) for answer in outcome.answers)
        return next((f"it returns {each}" for each in wrong if each), "")

    def right(self, case: Case, outcome: Outcome) -> bool:
        """Whether the last answer is the procedure's."""
        return outcome.status == "ok" and not self.fault(outcome) and bool(outcome.answers[-1] == self.expected(case))

    # Judging.

    def unusable(self) -> Verdict | None:
        """The verdict, where a case has no answer of the right form."""
        for case, outcome in self.asked:
            if outcome.status == "unavailable":
                return self.said(VerdictKind.NOT_RUN, str(outcome.trouble or "it cannot be run here"))
            if outcome.status == "raised":
                least = self.shrunk(case, lambda other: other.status == "raised")
                again = self.once(least)
                trouble = again.trouble or outcome.trouble
                reason = answer_form.status_says(again if again.status == "raised" else outcome)
                trace = f"\n{trouble.traceback}" if trouble is not None and trouble.traceback else ""
                return self.said(VerdictKind.FAILS, reason + trace, least)
            if outcome.status != "ok":
                return self.said(VerdictKind.FAILS, answer_form.status_says(outcome), case)
        for case, outcome in self.asked:
            if self.fault(outcome):
                return self.said(VerdictKind.MISBEHAVES, self.fault(outcome), case)
        return None

    def wrong(self) -> Verdict:
        """Which known mistake gives all these answers; else whether it is its own memory; else what it gets wrong."""
        self.on_progress("diagnosis")
        wrong = [(case, outcome) for case, outcome in self.asked if not self.right(case, outcome)]
        known = [each for each in self.procedure.mistakes if self.explains(each)]
        if not known:
            trouble = self.elsewhere()
            if trouble:
                return self.said(VerdictKind.MISBEHAVES, trouble)
        case, _ = min(wrong, key=lambda each: len(repr(each[0])))
        least = self.shrunk(case, lambda outcome: not self.fault(outcome), differs=True)
        diagnosis = [Diagnosis(known[0].name, known[0].says, tuple(each.says for each in known[1:]))] if known else []
        reason = f"{len(wrong)} of {len(self.asked)} answers are others"
        note = side_effects.broken(self.asked)
        return self.said(VerdictKind.DIFFERS, reason, least, tuple(diagnosis), (note,) if note else ())

    def explains(self, mistake: Mistake) -> bool:
        return all(_answer(mistake, case) == outcome.answers[-1] for case, outcome in self.asked)

    def survivors(self) -> list[Mistake]:
        """Known mistakes that no case could have caught, after more cases where there are some."""
        left = [each for each in self.procedure.mistakes if self.survives(each, self.asked)]
        for round_ in range(1, STRENGTHENING_ROUNDS + 1):
            if not left:
                break
            self.on_progress("strengthening")
            before = len(self.asked)
            self.ask(drawn(self.procedure, self.question.seed + 1000 * round_, ALWAYS))
            left = [each for each in left if self.survives(each, self.asked[before:])]
        return left

    def survives(self, mistake: Mistake, asked: Sequence[tuple[Case, Outcome]]) -> bool:
        return all(_answer(mistake, case) == self.expected(case) for case, _ in asked)

    def elsewhere(self) -> str:
        """Every case once more, in another order and in a fresh process, where sets have another order too."""
        self.runner.close()
        before = [*reversed(self.asked)]
        answers = self.runner.call_many([self.request(case) for case, _ in before])
        pairs = [*zip(answers, before, strict=True)]
        same = all(now.status == "ok" and now.answers == then.answers for now, (_, then) in pairs)
        return "" if same else ELSEWHERE

    def remembered(self) -> str:
        """Whether an answer depends on calls before it: through a mapping's identity, a reused result, a counter."""
        cases = [case for case, _ in self.asked[: ALWAYS // 2]]
        for before, then in pairwise(cases):
            outcome = self.once(then, earlier=before)
            if len(outcome.answers) < 2:
                return f"it answers a case, and called twice in a row {answer_form.status_says(outcome)}"
            if outcome.answers[0] != self.expected(before):
                return OVERWRITES
            if outcome.answers[1] != self.expected(then):
                return REMEMBERS
        outcome = self.once(cases[-1], times=REPEATS)
        within = f"within {REPEATS} calls on one input, it begins to give another answer"
        return "" if self.right(cases[-1], outcome) else within

    def properties(self) -> tuple[tuple[tuple[str, bool], ...], str]:
        """Each property's name and whether it held; and the first that did not, in words."""
        held, violation = [], ""
        for law in PROCEDURAL.get(self.procedure.id, ()):
            wrong = self.violated(law)
            held.append((law.name, not wrong))
            violation = violation or wrong
        return tuple(held), violation

    def violated(self, law: Property) -> str:
        def f(*args: Any, **case: Any) -> Any:
            outcome = self.once({**dict(zip(self.procedure.parameters, args, strict=False)), **case})
            if outcome.status != "ok" or self.fault(outcome):
                raise Unanswered(self.fault(outcome) or answer_form.status_says(outcome))
            return outcome.answers[-1]

        for case, _ in self.asked[:ON_PROPERTIES]:
            try:
                for each in law.relations(f, case):
                    assert isinstance(each, Equal)
                    if each.left != each.right:
                        return f"{law.name}: {law.says} Here {each.left!r} is not {each.right!r}"
            except Unanswered as why:
                return f"{law.name}: {law.says} Here {why}"
        return ""

    def shrunk(self, case: Case, shows: Callable[[Outcome], bool], differs: bool = False) -> Case:
        """A smaller case that still shows it, by what can be left out."""
        tried = 0
        found: Case | None = case
        while found is not None:
            case, found = found, None
            for less in _smaller(case):
                tried += 1
                if tried > TRIED:
                    return case
                outcome = self.once(less)
                if shows(outcome) and (not differs or (outcome.status == "ok" and not self.right(less, outcome))):
                    found = less
                    break
        return case

    # Saying it.

    def said(
        self,
        verdict: VerdictKind,
        reason: str,
        case: Case | None = None,
        diagnosis: tuple[Diagnosis, ...] = (),
        findings: tuple[str, ...] = (),
        *,
        survived: Sequence[Mistake] | None = None,
        properties: tuple[tuple[str, bool], ...] = (),
    ) -> Verdict:
        """The verdict, with all that is known."""
        worst, of = None, len(self.procedure.mistakes)
        if case is not None:
            outcome = self.once(case) if verdict == VerdictKind.DIFFERS else None
            got = outcome.answers[-1] if outcome is not None and outcome.answers else None
            worst = WorstAnswer(case, self.expected(case), got)
        return self.question.without_judging(
            verdict,
            reason,
            diagnosis=diagnosis,
            findings=findings,
            worst_case=worst,
            killed=0 if survived is None else of - len(survived),
            of=0 if survived is None else of,
            survived=tuple(each.says for each in survived or ()),
            examples=len(self.asked),
            seconds=time.monotonic() - self.started,
            properties=properties,
            domain="all arguments of these types",
            mend=self.procedure.body if verdict == VerdictKind.DIFFERS else "",
        )


def _answer(mistake: Mistake, case: Case) -> Any:
    """What a wrong form gives; where it raises, that is no answer."""
    try:
        return mistake.function(**case)
    except Exception as error:
        return error


def _smaller(case: Mapping[str, Any]) -> Iterator[Case]:
    for name, value in case.items():
        for less in smaller(value):
            yield {**case, name: less}
