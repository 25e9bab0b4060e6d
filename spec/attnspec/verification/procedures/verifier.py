"""The steps of a verdict on an implementation of a procedure: its answers equal the procedure's, or they do not."""

from __future__ import annotations

import time
from dataclasses import dataclass

from attnspec.language.procedure import Mistake
from attnspec.thresholds import ENOUGH_CAUGHT, STRENGTHENING_ROUNDS
from attnspec.verification.candidate import answer_form
from attnspec.verification.contract import side_effects
from attnspec.verification.procedures.candidate import ProceduralCandidate
from attnspec.verification.procedures.cases import Case, drawn, standard_cases
from attnspec.verification.procedures.mistakes import matching_mistakes, uncaught_mistakes
from attnspec.verification.procedures.properties import check_properties
from attnspec.verification.procedures.question import ProceduralQuestion
from attnspec.verification.procedures.repeatability import depends_on_earlier_calls, differs_in_fresh_process
from attnspec.verification.procedures.shrink import shrink
from attnspec.verification.sandbox.messages import Outcome
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.verdict import Diagnosis, Verdict, VerdictKind, WorstAnswer
from attnspec.verification.verifier import OnProgress, Verifier

BASE_CASES = 60
"""How many cases are drawn for every question, and in each round of strengthening."""

HUNT_SEED = 1_000_000
"""The seed of the cases of a long search, which is far from all others."""

PROPERTY_CASES = 12
"""On how many cases each property is checked."""


@dataclass(frozen=True, slots=True)
class ProceduralConclusion:
    """What a verdict on a procedure says.

    Attributes:
        kind: the kind of verdict.
        reason: why, in words; "" where it conforms.
        case: the case that shows it; None if no case does.
        known: the known mistakes that give every answer.
        finding: another observation, in a sentence; "" if there is none.
    """

    kind: VerdictKind
    reason: str = ""
    case: Case | None = None
    known: tuple[Mistake, ...] = ()
    finding: str = ""


@dataclass
class ProceduralVerifier(Verifier[ProceduralConclusion]):
    """Answers one question about a procedure.

    Attributes:
        question: what is to be judged.
        runner: a sandbox with the target loaded.
        on_progress: called with the name of each stage that begins.
        uncaught: the known mistakes that the cases would not have caught; None before that is tried.
        properties: the name of each property with whether it holds.
    """

    question: ProceduralQuestion
    runner: Runner
    on_progress: OnProgress = lambda stage: None
    uncaught: list[Mistake] | None = None
    properties: tuple[tuple[str, bool], ...] = ()

    def __post_init__(self) -> None:
        self.procedure = self.question.procedure
        self.candidate = ProceduralCandidate(self.question, self.runner)

    def bind(self) -> None:
        self.candidate.bind()

    def check_standard_cases(self) -> ProceduralConclusion | None:
        return self.check(standard_cases(self.procedure, self.question.seed, BASE_CASES))

    def check_random_cases(self) -> ProceduralConclusion | None:
        examples = self.question.examples
        return self.check(drawn(self.procedure, self.question.seed + 1, examples)) if examples else None

    def strengthen_cases(self) -> ProceduralConclusion | None:
        cases = [case for case, _ in self.candidate.calls]
        self.uncaught = uncaught_mistakes(self.candidate, cases, self.procedure.mistakes)
        for round_ in range(1, STRENGTHENING_ROUNDS + 1):
            if not self.uncaught:
                break
            cases = drawn(self.procedure, self.question.seed + 1000 * round_, BASE_CASES)
            conclusion = self.check(cases)
            if conclusion is not None:
                return conclusion
            self.uncaught = uncaught_mistakes(self.candidate, cases, self.uncaught)
        return None

    def check_contract(self) -> ProceduralConclusion | None:
        violation = (
            side_effects.violation(self.candidate.calls)
            or differs_in_fresh_process(self.candidate)
            or depends_on_earlier_calls(self.candidate)
        )
        return ProceduralConclusion(VerdictKind.MISBEHAVES, violation) if violation else None

    def check_properties(self) -> ProceduralConclusion | None:
        cases = [case for case, _ in self.candidate.calls[:PROPERTY_CASES]]
        self.properties, violation = check_properties(self.candidate, cases)
        return ProceduralConclusion(VerdictKind.DIFFERS, violation) if violation else None

    def hunt(self) -> ProceduralConclusion | None:
        ends, kept, round_ = time.monotonic() + 60 * self.question.minutes, len(self.candidate.calls), 0
        while time.monotonic() < ends:
            del self.candidate.calls[kept:]  # right answers, of which there may be very many
            round_ += 1
            conclusion = self.check(drawn(self.procedure, self.question.seed + HUNT_SEED + round_, BASE_CASES))
            if conclusion is not None:
                return conclusion
        return None

    def conclude_from_strength(self) -> ProceduralConclusion:
        assert self.uncaught is not None
        total, caught = len(self.procedure.mistakes), len(self.procedure.mistakes) - len(self.uncaught)
        if caught < ENOUGH_CAUGHT * total:
            weak = f"these cases would have caught only {caught} of {total} known mistakes"
            return ProceduralConclusion(VerdictKind.INCONCLUSIVE, weak)
        return ProceduralConclusion(VerdictKind.CONFORMS)

    def to_verdict(self, conclusion: ProceduralConclusion, seconds: float) -> Verdict:
        total, known = len(self.procedure.mistakes), conclusion.known
        return self.question.without_judging(
            conclusion.kind,
            conclusion.reason,
            diagnosis=(Diagnosis(known[0].name, known[0].says, tuple(also.says for also in known[1:])),)
            if known
            else (),
            findings=(conclusion.finding,) if conclusion.finding else (),
            worst_case=None if conclusion.case is None else self.worst_answer(conclusion.case, conclusion.kind),
            killed=0 if self.uncaught is None else total - len(self.uncaught),
            of=0 if self.uncaught is None else total,
            survived=tuple(mistake.says for mistake in self.uncaught or ()),
            examples=len(self.candidate.calls),
            seconds=seconds,
            properties=self.properties,
            domain="all arguments of these types",
            bound=self.candidate.bound,
            tried=()
            if self.uncaught is None
            else tuple((mistake.name, mistake not in self.uncaught) for mistake in self.procedure.mistakes),
            mend=self.procedure.body if conclusion.kind == VerdictKind.DIFFERS else "",
        )

    def check(self, cases: list[Case]) -> ProceduralConclusion | None:
        """Call the candidate on more cases; the conclusion if an answer is missing, of the wrong type, or wrong."""
        self.candidate.observe(cases)
        return self.unusable() or (self.diagnose() if self.candidate.wrong_cases() else None)

    def unusable(self) -> ProceduralConclusion | None:
        """Return the conclusion if a case has no answer of the right type."""
        for case, outcome in self.candidate.calls:
            if outcome.status == "unavailable":
                return ProceduralConclusion(VerdictKind.NOT_RUN, str(outcome.trouble or "it cannot be run here"))
            if outcome.status == "raised":
                return self.raised(case, outcome)
            if outcome.status != "ok":
                return ProceduralConclusion(VerdictKind.FAILS, answer_form.describe_status(outcome), case)
        for case, outcome in self.candidate.calls:
            fault = self.candidate.form_fault(outcome)
            if fault:
                return ProceduralConclusion(VerdictKind.MISBEHAVES, fault, case)
        return None

    def raised(self, case: Case, outcome: Outcome) -> ProceduralConclusion:
        """Return the conclusion for a candidate that raised an exception, on a smaller case if there is one."""
        smallest = shrink(self.candidate, case, lambda _, outcome: outcome.status == "raised")
        again = self.candidate.call(smallest)
        trouble = again.trouble or outcome.trouble
        reason = answer_form.describe_status(again if again.status == "raised" else outcome)
        traceback = f"\n{trouble.traceback}" if trouble is not None and trouble.traceback else ""
        return ProceduralConclusion(VerdictKind.FAILS, reason + traceback, smallest)

    def diagnose(self) -> ProceduralConclusion:
        """Explain wrong answers: by a known mistake that gives all of them, by memory of calls, or by neither."""
        self.on_progress("diagnosis")
        wrong = self.candidate.wrong_cases()
        known = matching_mistakes(self.candidate)
        violation = "" if known else differs_in_fresh_process(self.candidate)
        if violation:
            return ProceduralConclusion(VerdictKind.MISBEHAVES, violation)
        shortest = min(wrong, key=lambda case: len(repr(case)))
        smallest = shrink(self.candidate, shortest, self.candidate.is_usable_and_wrong)
        reason = f"{len(wrong)} of {len(self.candidate.calls)} answers are wrong"
        finding = side_effects.violation(self.candidate.calls) or ""
        return ProceduralConclusion(VerdictKind.DIFFERS, reason, smallest, tuple(known), finding)

    def worst_answer(self, case: Case, kind: VerdictKind) -> WorstAnswer:
        """Return a case with the expected answer and, where answers differ, the candidate's."""
        outcome = self.candidate.call(case) if kind == VerdictKind.DIFFERS else None
        got = outcome.answers[-1] if outcome is not None and outcome.answers else None
        return WorstAnswer(case, self.candidate.expected(case), got)
